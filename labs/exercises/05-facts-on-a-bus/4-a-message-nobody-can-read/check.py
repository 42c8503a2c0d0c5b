"""Checks exercise 5.4: parcels arrive; one can't be read, and a gateway is down."""

from movingparts.check import Check, Law, always, never
from movingparts.core.event import Event
from movingparts.scenes.ch05.lockers import (
    Lockers,
    Unreadable,
    arrived,
    publish,
    subscribe,
)

KINDS = ("unreadable", "down", "twice", "no letter", "all of it")


class Seen:
    """One delivery: what `handle` did for an event, and how it ended."""

    def __init__(self, event, lockers, begun, raised=None, seconds=0.0, *, ended=False):
        log = lockers.log[begun:]
        self.parcel, self.raised, self.ended = event.subject, raised, ended
        self.lockers = lockers.assigned.count(self.parcel)
        self.tries = sum(what in {"assigned", "failed"} for what, _ in log)
        self.seconds, self.waits = f"{seconds:.1f}", seconds > 1 or self.tries > 1
        errors = [about for what, about in log if what in {"failed", "no letter"}]
        self.error = errors[-1] if errors else None
        self.unreadable = isinstance(self.error, Unreadable)
        letters = [about for what, about in log if what == "set aside"]
        self.letter, self.reason = letters[-1] if letters else (None, "")
        self.is_event = self.letter == event
        self.handled = self.lockers or letters
        self.noted = event.id in lockers.seen
        self.skipped = not (self.tries or self.handled or raised or ended)


async def run(world, answer, run):
    """Let parcels arrive; repair what can't be read, and send the letters again."""
    kind = KINDS[run.seed % len(KINDS)]
    lockers = Lockers(world.node("lockers").bus.publish)
    parcels = [f"P{n}" for n in range(1, 4 + run.seed // len(KINDS))]
    bad = world.random.choice(parcels)
    parcels = [parcel for parcel in parcels if run.step(parcel)]
    if kind in {"unreadable", "no letter", "all of it"}:
        lockers.unreadable.add(bad)
    lockers.no_letters = int(kind in {"no letter", "all of it"})
    if kind in {"down", "all of it"}:
        lockers.down.update(parcels)
        world.after(2.0, lockers.down.clear)

    async def handler(event):
        begun, began = len(lockers.log), world.clock.monotonic()
        raised = await answer.awaited(event, lockers)
        raised = raised if isinstance(raised, Exception) else None
        run.see(Seen(event, lockers, begun, raised, world.clock.monotonic() - began))
        if raised is not None:
            raise raised

    await subscribe(world, handler)
    sent = [arrived(each, readable=each not in lockers.unreadable) for each in parcels]
    twice = sent if kind in {"twice", "all of it"} else []
    await publish(world, [*sent, *twice])
    lockers.unreadable.clear()
    letters = [about[0] for what, about in lockers.log if what == "set aside"]
    await publish(world, [each for each in letters if isinstance(each, Event)])
    for event in sent:
        run.see(Seen(event, lockers, len(lockers.log), ended=True))


def set_aside(seen):
    return seen.letter is not None


LAWS = (
    Law("two-lockers", always, lambda s: s.lockers <= 1),
    Law("remembers-what-failed", lambda s: s.skipped and s.noted, never),
    Law("waits-in-the-handler", always, lambda s: not s.waits),
    Law("dead-letters-a-passing-error", set_aside, lambda s: s.unreadable),
    Law("not-the-event", set_aside, lambda s: s.is_event),
    Law("no-reason", set_aside, lambda s: str(s.error) in str(s.reason)),
    Law("raises-the-unreadable", lambda s: s.unreadable, lambda s: not s.raised),
    Law("swallows", lambda s: not (s.raised or s.ended), lambda s: s.handled),
    Law("never-assigned", lambda s: s.ended, lambda s: s.lockers),
)
CHECK = Check(run=run, seeds=range(20), laws=LAWS, may_raise=(Unreadable, OSError))
