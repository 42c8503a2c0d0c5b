"""Checks exercise 5.3: parcels' events, some slow and some failing, for few workers."""

from collections import Counter
from functools import partial

from movingparts.bus import Event
from movingparts.check import Check, Law, always, never

SLOW, PATIENCE = 60.0, 900.0  # virtual seconds: of a slow event, of the whole run


class Broken(Exception):
    """What `handle` raises."""


class Depot:
    """Handles events for an answer, and remembers what it was asked to do when."""

    def __init__(self, world, run, workers):
        self.world, self.run, self.workers = world, run, workers
        self.events, self.failing, self.slow = [], set(), None
        self.begun, self.busy, self.done, self.failed = [], [], [], []
        self.most, self.over = 0, False
        parcels = range(1, 4 if run.seed < 8 else 13)
        turns = [number for number in parcels for _ in range(3)]
        world.random.shuffle(turns)
        if run.seed % 4 == 3:
            turns = [0] * 4 + turns
            self.slow = "parcel-0/1"
        count = Counter()
        for parcel in turns:
            count[parcel] += 1
            name = f"parcel-{parcel}/{count[parcel]}"
            if run.step(name):
                event = Event(name, "/depot", "Scanned", subject=name.split("/")[0])
                self.events.append(event)
            if run.seed % 2 == 0 and world.random.random() < 0.2:
                self.failing.add(name)

    async def handle(self, event):
        """Take a while, and then perhaps fail."""
        node, scan = self.world.node(event.subject), event.id.split("/")[1]
        self.begun.append(event)
        self.busy.append(event)
        self.most = max(self.most, len(self.busy))
        self.world.note(event.subject, f"{scan} begins")
        self.run.see(Seen(self, "begins", event))
        takes = 0.1 + 0.9 * self.world.random.random()
        await node.clock.sleep(SLOW if event.id == self.slow else takes)
        self.busy.remove(event)
        self.done.append(event)
        self.world.note(event.subject, f"{scan} ends")
        self.run.see(Seen(self, "ends", event))
        if event.id in self.failing:
            self.failed.append(event)
            raise Broken(f"{event.id} can't be read")

    def end(self, value=None):
        """Look at the whole: `run` has ended with a value, or is overdue."""
        if not self.over:
            self.over = True
            self.run.see(Seen(self, "over", value=value))


class Seen:
    """What was done so far, as an event begins or ends, or when `run` has ended."""

    def __init__(self, depot, kind, event=None, value=None):
        self.kind, self.workers = kind, depot.workers
        self.event = event.id if event else ""
        self.subject = event.subject if event else ""
        mine = [each for each in depot.events if each.subject == self.subject]
        self.mine, self.begun = mine, [each.id for each in depot.begun]
        same = [e.id for e in depot.busy if e.subject == self.subject and e != event]
        self.same = ", ".join(same)
        due = [e.id for e in mine if e.id not in self.begun[:-1]]
        self.due = due[0] if due else self.event
        self.twice = self.begun.count(self.event) > 1
        self.busy, self.most = len(depot.busy), depot.most
        self.raised = repr(value) if isinstance(value, BaseException) else ""
        left = [each.id for each in depot.events if each not in depot.done]
        self.left, self.missing = ", ".join(left[:3]), len(left)
        self.failed = ", ".join(sorted(each.id for each in depot.failed)) or "none"
        given = sorted(str(getattr(e, "id", e)) for e in value or () if not self.raised)
        self.given = ", ".join(given) or "none"
        subjects = Counter(e.subject for e in depot.events if e.subject != self.subject)
        self.subjects = sum(number > 1 for number in subjects.values())
        others = Counter(e.subject for e in depot.done if e.subject != self.subject)
        self.is_slow = kind == "ends" and self.event == depot.slow
        self.further = max(others.values(), default=0)


async def run(world, answer, run):
    """Let an answer run a list of events, and wait for it, but not for ever."""
    depot = Depot(world, run, 2 if run.seed < 8 else 3 + run.seed % 2)
    world.after(PATIENCE, partial(depot.end))
    depot.end(await answer.awaited(list(depot.events), depot.handle, depot.workers))


def begins(seen):
    return seen.kind == "begins"


def over(seen):
    return seen.kind == "over"


LAWS = (
    Law("two-at-once", begins, lambda s: not s.same),
    Law("handled-twice", begins, lambda s: not s.twice),
    Law("order-lost", begins, lambda s: s.event == s.due),
    Law("too-many-at-once", begins, lambda s: s.busy <= s.workers),
    Law("lets-it-out", lambda s: s.raised, never),
    Law("loses-the-rest", lambda s: over(s) and s.failed != "none", lambda s: not s.left),
    Law("returns-early", over, lambda s: not s.left),
    Law("failed-not-returned", over, lambda s: s.given == s.failed),
    Law("one-at-a-time", lambda s: over(s) and s.subjects > 8, lambda s: s.most > 1),
    Law("slow-holds-up-all", lambda s: s.is_slow and s.subjects > 8, lambda s: s.further > 1),
)
CHECK = Check(
    run=run,
    seeds=range(24),
    laws=LAWS,
    may_raise=(Broken, ExceptionGroup),
)
