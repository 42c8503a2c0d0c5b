"""Checks exercise 2.4: which readers a change of a contract breaks."""

from functools import partial

from movingparts.check import Check, Law, always
from movingparts.scenes.ch02.change import published_to_readers, systems
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
        self.readings, self.change, self.kind = readings, change, change.kind
        self.contract, self.named = change.contract, {*value}
        self.true = self.system.must_change(change)
        self.readers = self.system.readers_of(self.contract)
        self.publisher = self.system.publisher(self.contract)
        takes = {context.name: context.takes(self.contract) for context in contexts}
        self.acls = {name for name in self.readers if takes[name] == "ACL"}
        self.counts = {n for n in self.readers if not readings[n, self.contract]}
        self.says = (
            f"In {self.system.name}, {change!r}: {listed(self.true)} must change,"
            f" and you named {listed(self.named)}"
        )
        wrong = min(self.named ^ self.true, default="")
        self.why = f"{wrong} needs no `{change.field}`, and reads it as before"
        if wrong not in self.named:
            self.why = f"{wrong} can't go on"
        elif wrong not in self.readers:
            self.why = f"{wrong} isn't among them"

    def affected(self, same):
        """Return who needs what is gone from such contracts, the publisher included."""
        return {
            name
            for (name, contract), fields in self.readings.items()
            if same(contract, self.contract) and self.kind != "added"
            if self.kind == "withdrawn" or self.change.field in fields
        }


def listed(names):
    return ", ".join(sorted(names)) or "no one"


def whole(one, other):
    return one == other


def event(one, other):
    return one.partition(".")[2] == other.partition(".")[2]


BELIEFS = {  # what each makes you answer; the one that explains most answers counts
    "everyone-who-reads-the-contract": lambda q: q.readers,
    "a-new-field-breaks": lambda q: q.readers if q.kind == "added" else q.true,
    "an-acl-needs-no-change": lambda q: q.true - q.acls,
    "the-publisher-too": lambda q: q.affected(whole),
    "named-after-its-publisher": lambda q: (
        q.affected(whole) - {q.contract.partition(".")[0]}
    ),
    "no-field-no-reader": lambda q: q.true - q.counts,
    "no-event-no-harm": lambda q: q.true if q.kind != "withdrawn" else set(),
    "an-event-by-its-name": lambda q: q.affected(event) - {q.publisher},
}


class Answers:
    """All answers together: the belief behind the wrong ones, and the one to show."""

    def __init__(self, seen):
        shown = wrong = [each for each in seen if each.named != each.true]
        self.right, self.belief, most = not wrong, "", 0
        self.silent = not any(each.named for each in seen)
        for name, belief in BELIEFS.items():
            explained = [each for each in wrong if each.named == belief(each)]
            hits = sum(each.named == belief(each) for each in seen)
            if 2 * len(explained) > len(wrong) and hits > most:
                self.belief, most, shown = name, hits, explained
        clearest = sorted(shown, key=lambda e: (not e.true, len(e.readers) or 9))
        self.example = (clearest or seen)[0]
        self.says, self.why = self.example.says, self.example.why


def believed(name, answers):
    return answers.belief == name


CHECK = Check(
    cases=cases,
    seen=Named,
    overall=Answers,
    returns=set[str] | list[str],
    wants="a set of names of contexts",
    picture=lambda s: simulate(published_to_readers(s.system, s.change), seed=0),
    laws=(
        Law("no-one", lambda all_: all_.silent, lambda all_: all_.right, overall=True),
        *(
            Law(name, partial(believed, name), lambda all_: all_.right, overall=True)
            for name in BELIEFS
        ),
        Law("another-set", always, lambda all_: all_.right, overall=True),
    ),
    praise=lambda seen: {"systems": len({each.system.name for each in seen})},
)
