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
    """What `handle` did in one delivery; or how it all ended for a parcel."""

    def __init__(self, event, lockers, *, log=(), known=False, raised=None, seconds=0):
        self.parcel, self.raised, self.ended = event.subject, raised, not log
        self.lockers = lockers.log.count(("assigned", self.parcel))
        self.tries = sum(what in {"assigned", "failed"} for what, _ in log)
        self.seconds, self.waits = f"{seconds:.1f}", seconds > 1 or self.tries > 1
        errors = [about for what, about in log if what in {"failed", "no letter"}]
        self.error = errors[-1] if errors else None
        self.unreadable = isinstance(self.error, Unreadable)
        letters = [about for what, about in log if what == "set aside"]
        self.letter, self.reason = letters[-1] if letters else (None, "")
        self.is_event = self.letter == event
        self.handled = self.lockers or letters
        self.forgotten = known and not (self.handled or raised or self.tries)


async def run(world, answer, run):
    """Let parcels arrive; repair what can't be read, and send the letters again."""
    kind = KINDS[run.seed % len(KINDS)]
    lockers = Lockers(world.node("lockers").bus)
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
        known, begun = event.id in lockers.seen, world.clock.monotonic()
        lockers.log.append(("delivered", event.subject))
        at = len(lockers.log) - 1
        value = await answer.awaited(event, lockers)
        raised = value if isinstance(value, Exception) else None
        took = {"log": lockers.log[at:], "seconds": world.clock.monotonic() - begun}
        run.see(Seen(event, lockers, known=known, raised=raised, **took))
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
        run.see(Seen(event, lockers))


def set_aside(seen):
    return seen.letter is not None


LAWS = (
    Law("two-lockers", always, lambda s: s.lockers <= 1),
    Law("remembers-what-failed", lambda s: s.forgotten, never),
    Law("waits-in-the-handler", always, lambda s: not s.waits),
    Law("dead-letters-a-passing-error", set_aside, lambda s: s.unreadable),
    Law("not-the-event", set_aside, lambda s: s.is_event),
    Law("no-reason", set_aside, lambda s: str(s.error) in str(s.reason)),
    Law("raises-the-unreadable", lambda s: s.unreadable, lambda s: not s.raised),
    Law("swallows", lambda s: not (s.raised or s.ended), lambda s: s.handled),
    Law("never-assigned", lambda s: s.ended, lambda s: s.lockers),
)
CHECK = Check(run=run, seeds=range(20), laws=LAWS, may_raise=(Unreadable, OSError))
