"""Checks exercise 2.4: which readers a change of a contract breaks."""

from functools import partial

from movingparts.check import Check, Law, always
from movingparts.scenes.ch02.change import published_to_readers, systems
from movingparts.strategy.context_map import Context
from movingparts.world import simulate


def cases():
    """Yield each change of each contract, with the facts of its system."""
    for system in systems():
        for change in system.changes():
            yield system.contexts, system.readings, change


class Named:
    """A change, who must change by it, and whom an answer named."""

    def __init__(self, contexts, readings, change, value):
        self.system = next(s for s in systems() if s.contexts == contexts)
        self.contexts, self.readings, self.change = contexts, readings, change
        self.kind, self.contract, self.name = (
            change.kind,
            change.contract,
            self.system.name,
        )
        self.whole = next((n.name for n in value if isinstance(n, Context)), "")
        self.named = {n.name if isinstance(n, Context) else n for n in value}
        self.stranger = min(self.named - {c.name for c in contexts}, default="")
        self.true = self.system.must_change(change)
        self.readers = self.system.readers_of(self.contract)
        self.publisher = self.system.publisher(self.contract)
        self.says = (
            f"In {self.name}, {change!r}: {listed(self.true)} must change,"
            f" and you named {listed(self.named)}"
        )
        wrong = min(self.named ^ self.true, default="")
        self.why = f"{wrong} needs no `{change.field}`, and reads it as before"
        if wrong not in self.named:
            self.why = f"{wrong} can't go on"
        elif wrong not in self.readers:
            self.why = f"{wrong} isn't among them"

    def taken(self, how):
        """Return the contexts that translate the contract, or take it as it is."""
        return {c.name for c in self.contexts if c.takes(self.contract) == how}

    def below(self, names, calls=True):
        """Return the contexts downstream of some others, by an event or a call."""
        events = {e for c in self.contexts if c.name in names for e in c.publishes}
        called = names if calls else set()
        found = (c for c in self.contexts if events & {*c.reads} or called & {*c.calls})
        return {c.name for c in found} - names

    def rippled(self):
        """Return the contexts that a change reaches, if those it breaks pass it on."""
        reached = set(self.true)
        while more := self.below(reached):
            reached |= more
        return reached - {self.publisher}

    def by(self, same, needs=always):
        """Return who reads such a contract, with such fields, and needs the change."""
        some = self.kind == "withdrawn", self.kind == "added"
        return {
            name
            for (name, contract), fields in self.readings.items()
            if same(contract) and needs(fields) and not some[1]
            if some[0] or self.change.field in fields
        }

    def mine(self, contract):
        return contract == self.contract


def listed(names):
    return ", ".join(sorted(names)) or "no one"


def event(contract):
    return contract.partition(".")[2]


def true(q):
    return q.true


def unless(kind, belief=true):
    return lambda q: set() if q.kind == kind else belief(q)


BELIEFS = (  # what each makes you answer; the one that explains most answers counts
    ("no-one", lambda _: set()),
    ("everyone-downstream", lambda q: q.below({q.publisher})),
    (
        "everyone-downstream",
        unless("added", lambda q: q.below({q.publisher}, calls=False)),
    ),
    ("everyone-who-reads-the-contract", lambda q: q.readers),
    ("a-new-field-breaks", lambda q: q.readers if q.kind == "added" else q.true),
    ("a-conformist-is-safe", lambda q: q.true - q.taken("CF")),
    ("an-acl-needs-no-change", lambda q: q.true - q.taken("ACL")),
    ("the-publisher-too", lambda q: q.true | {q.publisher}),
    ("the-publisher-too", lambda q: q.by(q.mine)),
    (
        "named-after-its-publisher",
        lambda q: q.by(q.mine) - {q.contract.partition(".")[0]},
    ),
    ("no-field-no-reader", lambda q: q.by(q.mine, bool) - {q.publisher}),
    ("callers-too", lambda q: q.true | q.system.callers_of(q.publisher)),
    ("no-event-no-harm", unless("withdrawn")),
    (
        "an-event-by-its-name",
        lambda q: q.by(lambda c: event(c) == event(q.contract)) - {q.publisher},
    ),
    (
        "a-field-by-its-name",
        lambda q: (
            (q.readers if q.kind == "withdrawn" else q.by(always)) - {q.publisher}
        ),
    ),
    ("a-rename-is-harmless", unless("renamed")),
    ("a-removal-is-harmless", unless("removed")),
    ("a-type-is-harmless", unless("retyped")),
    ("it-ripples-on", lambda q: q.true | q.named & q.rippled()),  # fits much
)


class Answers:
    """All answers together: the belief behind the wrong ones, and the one to show."""

    def __init__(self, seen):
        shown = wrong = [each for each in seen if each.named != each.true]
        self.right, self.belief, most = not wrong, "", 0
        for name, belief in BELIEFS:
            explained = [each for each in wrong if each.named == belief(each)]
            hits = sum(each.named == belief(each) for each in seen)
            if 2 * len(explained) > len(wrong) and hits > most:
                self.belief, most, shown = name, hits, explained
        clearest = sorted(shown, key=lambda e: (not e.true, len(e.readers) or 9))
        self.example = (clearest or [None])[0]
        self.says = getattr(self.example, "says", "")
        self.why = getattr(self.example, "why", "")


def picture(seen):
    """Play a change: its event goes to each reader."""
    return simulate(published_to_readers(seen.system, seen.change), seed=0)


def held(name, answers):
    return answers.belief == name


CHECK = Check(
    cases=cases,
    seen=Named,
    overall=Answers,
    returns=set[str | Context] | list[str | Context],
    wants="a set of names of contexts",
    picture=picture,
    laws=(
        Law("whole-contexts", always, lambda q: not q.whole),
        Law("no-such-context", always, lambda q: not q.stranger),
        *(
            Law(name, partial(held, name), lambda all_: all_.right, overall=True)
            for name in dict(BELIEFS)
        ),
        Law("another-set", always, lambda all_: all_.right, overall=True),
    ),
    praise=lambda seen: {"systems": len({each.name for each in seen})},
)
