"""Checks exercise 3.3: how reports and commands at a dock become events."""

from movingparts.check import Check, Law, always
from movingparts.scenes.ch03 import dock as at
from movingparts.scenes.ch03.refusal import Refused

EVENT_OF = {
    at.Docked: at.BikeDocked,
    at.Taken: at.BikeTaken,
    at.Jammed: at.DockJammed,
    at.Cleared: at.DockCleared,
}


class Handled:
    """A message, what was known before it, and what the answer made of it."""

    def __init__(self, dock, message, value):
        self.dock, self.message, bike = dock, message, dock.bike
        self.refused = isinstance(value, Refused)
        self.events = [] if self.refused else list(value)
        self.odd = [e for e in self.events if isinstance(e, at.AnomalyFound)]
        self.facts = [e for e in self.events if e not in self.odd]
        self.command = isinstance(message, at.Unlock)
        self.possible = bike is not None and not dock.jammed
        self.again = not self.command and message in dock.reports
        self.late = not self.command and not self.again and dock.is_late(message)
        self.new = not (self.command or self.again or self.late)
        self.unchanged = dock.after_all(self.events) == dock
        mine, kind = getattr(message, "bike", None), type(message)
        self.contradicts = (kind is at.Docked and bike not in (None, mine)) or (
            kind is at.Taken and bike != mine
        )
        known = {at.Docked: bike, at.Cleared: not dock.jammed, at.Jammed: dock.jammed}
        self.may_be_odd = self.contradicts or known.get(kind) or (mine and dock.jammed)
        self.reported = (
            f"{kind.__name__} {mine or ''}".strip() + f" ({message.at:%H:%M:%S})"
        )
        jammed = " and was jammed" if dock.jammed else ""
        self.known = f"the dock {f'held {bike}' if bike else 'was empty'}{jammed}"
        names = [f"{type(e).__name__} {getattr(e, 'bike', '')}" for e in self.events]
        self.listed = " and ".join(map(str.strip, names)) or "no event"
        self.reason = self.odd[0].reason if self.odd else ""

    @property
    def right(self):
        """Return whether the facts are those of the report; a bike may leave first."""
        values = [getattr(self.message, n) for n in self.message.__match_args__]
        own, left = EVENT_OF[type(self.message)](*values), self.facts[:-1]
        gone = [at.BikeTaken(self.dock.bike, self.message.at)]
        first = left == [] or (left == gone and isinstance(own, at.BikeDocked))
        return self.facts[-1:] == [own] and first


async def run(world, answer, run):
    """Let a day pass at a dock, with reports that are lost, late, or repeated."""
    live = at.Live(world, answer, lambda *seen: run.see(Handled(*seen)))
    await live.live(at.day(run.seed), run.step)


def one_unlocked(seen):
    return seen.events == [at.BikeUnlocked(seen.dock.bike, seen.message.at)]


LAWS = (
    Law(
        "anomaly-for-a-refusal",
        lambda s: s.command and not s.possible,
        lambda s: not s.odd,
    ),
    Law("never-refuses", lambda s: s.command and not s.possible, lambda s: not s.facts),
    Law(
        "refuses-in-silence",
        lambda s: s.command and not s.possible,
        lambda s: s.refused,
    ),
    Law("turns-away", lambda s: s.command and s.possible, lambda s: not s.refused),
    Law("accepts-and-wonders", lambda s: s.command, lambda s: not s.odd),
    Law("another-time", always, lambda s: all(e.at == s.message.at for e in s.events)),
    Law("wrong-unlock", lambda s: s.command and s.possible, one_unlocked),
    Law(
        "no-reason",
        always,
        lambda s: all(type(e.reason) is str and e.reason for e in s.odd),
    ),
    Law("refuses-reports", lambda s: not s.command, lambda s: not s.refused),
    Law("reported-twice", lambda s: s.again, lambda s: not s.events),
    Law("believes-what-came-last", lambda s: s.late, lambda s: s.unchanged),
    Law("drops-the-late", lambda s: s.late, lambda s: s.events),
    Law("wrong-event-for-late", lambda s: s.late, lambda s: not s.facts),
    Law("drops-reports", lambda s: s.new, lambda s: s.events),
    Law("keeps-its-belief", lambda s: s.new and not s.facts, lambda s: s.facts),
    Law(
        "swallows-contradictions",
        lambda s: s.new and s.contradicts and s.right,
        lambda s: s.odd,
    ),
    Law("wrong-event", lambda s: s.new, lambda s: s.right),
    Law("cries-wolf", lambda s: s.new and s.odd, lambda s: s.may_be_odd),
    Law("wonders-twice", lambda s: s.odd, lambda s: len(s.odd) == 1),
    Law("wonders-first", lambda s: s.new and s.odd, lambda s: s.events[-1] == s.odd[0]),
)
CHECK = Check(
    run=run,
    seeds=range(60),
    until=86_400.0,
    laws=LAWS,
    returns=list[at.Event],
    wants="a list of events, which may be empty",
    may_raise=(Refused,),
)
