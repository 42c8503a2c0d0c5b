"""Checks exercise 3.3: how reports and commands at a dock become events."""

from movingparts.check import Check, Law
from movingparts.scenes.ch03 import dock as at
from movingparts.scenes.ch03.refusal import Refused


class Handled:
    """A message, what was known before it, and what the answer made of it."""

    def __init__(self, dock, message, value):
        self.dock, self.message, kind = dock, message, type(message)
        self.refused = isinstance(value, Refused)
        self.events = [] if self.refused else list(value)
        self.odd = [e for e in self.events if isinstance(e, at.AnomalyFound)]
        self.command = kind is at.Unlock
        self.possible = self.command and dock.bike is not None
        self.impossible = self.command and dock.bike is None
        self.again = not self.command and message in dock.reports
        self.late = not self.command and not self.again and dock.is_late(message)
        self.new = not (self.command or self.again or self.late)
        self.unchanged = dock.after_all(self.events) == dock
        bike = getattr(message, "bike", dock.bike)
        self.event = {
            at.Unlock: at.BikeUnlocked,
            at.Docked: at.BikeDocked,
            at.Taken: at.BikeTaken,
        }[kind](bike, message.at)
        if kind is at.Taken:
            self.contradicts = self.new and dock.bike != bike
        else:
            self.contradicts = self.new and dock.bike not in (None, bike)
        self.complete = all(e.reason and e.at == message.at for e in self.odd)
        self.reported = f"{kind.__name__} {bike} ({message.at:%H:%M:%S})"
        self.known = f"the dock held {dock.bike}" if dock.bike else "the dock was empty"
        names = [f"{type(e).__name__} {getattr(e, 'bike', '')}" for e in self.events]
        self.listed = " and ".join(map(str.strip, names)) or "no event"
        self.did = "refused it" if self.refused else f"returned {self.listed}"
        self.reason = self.odd[0].reason if self.odd else ""


async def run(world, answer, run):
    """Let a day pass at a dock, with reports that are lost, late, or repeated."""
    live = at.Live(world, answer, lambda *seen: run.see(Handled(*seen)))
    await live.live(at.day(run.seed), run.step)


def one_anomaly(seen):
    return seen.complete and len(seen.odd) == len(seen.events) == 1


def complete(seen):
    return seen.complete and seen.events == [seen.event, *seen.odd[:1]]


LAWS = (
    Law("never-refuses", lambda s: s.impossible, lambda s: s.refused),
    Law("wrong-unlock", lambda s: s.possible, lambda s: s.events == [s.event]),
    Law("refuses-reports", lambda s: not s.command, lambda s: not s.refused),
    Law("reported-twice", lambda s: s.again, lambda s: not s.events),
    Law("believes-what-came-last", lambda s: s.late, lambda s: s.unchanged),
    Law("late-without-anomaly", lambda s: s.late, one_anomaly),
    Law("keeps-its-belief", lambda s: s.new, lambda s: s.event in s.events),
    Law("swallows-contradictions", lambda s: s.contradicts, lambda s: s.odd),
    Law("cries-wolf", lambda s: s.new and not s.contradicts, lambda s: not s.odd),
    Law("wrong-events", lambda s: s.new, complete),
)
CHECK = Check(
    run=run,
    seeds=range(48),
    until=86_400.0,
    laws=LAWS,
    returns=list[at.Event],
    wants="a list of events, which may be empty",
    may_raise=(Refused,),
)
