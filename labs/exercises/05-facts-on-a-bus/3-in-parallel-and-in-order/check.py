"""Checks exercise 5.3: parcels' events, some slow and some failing, for few workers."""

from collections import Counter

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.check import Check, Law, never

SLOW, PATIENCE = 60.0, 900.0  # virtual seconds: of a slow event, of the whole run


class Broken(Exception):
    """What `handle` raises."""


class Depot:
    """Handles events for an answer, and remembers what it was asked to do when."""

    def __init__(self, world, run):
        self.run, chance = run, world.random
        self.client = world.client("run", timeout=None)
        small, self.slow = run.seed < 8, "parcel-0/1" if run.seed % 4 == 3 else ""
        self.workers = 2 if small else 3 + run.seed % 2
        turns = [parcel for parcel in range(1, 4 if small else 13) for _ in range(3)]
        chance.shuffle(turns)
        turns = [0] * 4 + turns if self.slow else turns
        self.events, self.failing = [], set()
        for at, parcel in enumerate(turns):
            subject, scan = f"parcel-{parcel}", turns[: at + 1].count(parcel)
            event = Event(f"{subject}/{scan}", "/depot", "Scanned", subject=subject)
            if chance.random() < 0.2 and run.seed % 2 == 0:
                self.failing.add(event.id)
            if run.step(event.id):
                self.events.append(event)
        self.begun, self.busy, self.done, self.most = [], [], [], 0

    async def handle(self, event):
        """Take a while, and then perhaps fail."""
        self.begun.append(event)
        self.busy.append(event)
        self.most = max(self.most, len(self.busy))
        self.run.see(Seen(self, "begins", event))
        await self.client.post(f"http://depot/{event.id}")
        self.busy.remove(event)
        self.done.append(event)
        self.run.see(Seen(self, "ends", event))
        if event.id in self.failing:
            raise Broken(f"{event.id} can't be read")

    def served(self, node):
        """Serve the depot, which takes its time."""
        app = FastAPI()

        @app.post("/{parcel}/{scan}")
        async def scanned(parcel: str, scan: str) -> None:
            slow = f"{parcel}/{scan}" == self.slow
            await node.clock.sleep(SLOW if slow else 0.1 + 0.9 * node.random.random())

        return app


class Seen:
    """What was done so far, as an event begins or ends, or when `run` is over."""

    def __init__(self, depot, kind, event=None, value=None):
        self.begins, self.over = kind == "begins", kind == "over"
        self.event, self.subject = (event.id, event.subject) if event else ("", "")
        mine = [each for each in depot.events if each.subject == self.subject]
        before = depot.begun[:-1]
        self.same = names(e for e in depot.busy if e in mine and e != event)
        due = [each.id for each in mine if each not in before]
        self.due = due[0] if due else "no event of this parcel"
        self.workers, self.busy, self.most = depot.workers, len(depot.busy), depot.most
        self.raised = repr(value) if isinstance(value, BaseException) else ""
        self.left = names(e for e in depot.events if e not in depot.done)
        self.failed = names(e for e in depot.done if e.id in depot.failing)
        self.given = "" if self.raised else names(value or ())
        others = [each for each in depot.events if each not in mine]
        self.others = sum(n > 1 for n in Counter(e.subject for e in others).values())
        self.slow = kind == "ends" and self.event == depot.slow
        further = Counter(e.subject for e in depot.done if e not in mine)
        self.further = max(further.values(), default=0)


def names(events):
    return ", ".join(sorted(event.id for event in events))


async def run(world, answer, run):
    depot = Depot(world, run)
    await world.serve("depot", depot.served)
    world.after(PATIENCE, lambda: run.see(Seen(depot, "over")))
    value = await answer.awaited(list(depot.events), depot.handle, depot.workers)
    run.see(Seen(depot, "over", value=value))


LAWS = (
    Law("two-at-once", lambda s: s.begins, lambda s: not s.same),
    Law("order-lost", lambda s: s.begins, lambda s: s.event == s.due),
    Law("too-many-at-once", lambda s: s.begins, lambda s: s.busy <= s.workers),
    Law("lets-it-out", lambda s: s.raised, never),
    Law("loses-the-rest", lambda s: s.over and s.failed, lambda s: not s.left),
    Law("returns-early", lambda s: s.over, lambda s: not s.left),
    Law("failed-not-returned", lambda s: s.over, lambda s: s.given == s.failed),
    Law("one-at-a-time", lambda s: s.over and s.others > 8, lambda s: s.most > 1),
    Law(
        "slow-holds-up-all", lambda s: s.slow and s.others > 8, lambda s: s.further > 1
    ),
)
CHECK = Check(
    run=run,
    seeds=range(24),
    laws=LAWS,
    may_raise=(Broken, ExceptionGroup),
    returns=list[Event],
    wants="a list of the events for which `handle` raised",
)
