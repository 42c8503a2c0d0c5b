"""Checks exercise 1.3: riders come at once, and pricing fails in several ways."""

from dataclasses import dataclass

from movingparts.check import Check, Law, always
from movingparts.scenes.ch01 import split
from movingparts.world import Uniform

FAULTS = (*split.BROKEN, *split.UNREADABLE)
MORNINGS = (*FAULTS, "two at once", "two at once", "rush")
# How many riders and bikes, and the seconds that a rider waits.
SIZES = {"two at once": (2, 2, 8.0), "rush": (6, 6, 0.9)}


@dataclass
class Asked:
    """One ride of a morning: what came of it, and what was going on."""

    ride: split.Ride
    rides: list[split.Ride]
    kind: str  # of morning
    fault: str  # what was wrong with pricing for this rider
    wanted: int
    price: int | None
    owners: dict[str, str | None]  # who has which bike in the end
    raised: str  # the last exception of rides

    def __post_init__(self) -> None:
        ride, self.alone = self.ride, self.kind in FAULTS
        self.rider, self.bike, self.paid = ride.rider, ride.bike, ride.cents
        self.status, self.text = ride.status, ride.text
        mine = [bike for bike, who in ride.table.items() if who == self.rider]
        self.held, self.is_saved = ", ".join(mine), self.bike in mine
        self.is_held = (self.status or 0) >= 400 and bool(mine)
        self.is_theirs = self.owners.get(self.bike) == self.rider
        saved = self.is_saved and self.is_theirs
        self.agrees = saved if self.bike else not self.is_held
        self.given = [each.bike for each in self.rides if each.bike]
        self.because = f" Here `pricing` {self.fault}." if self.fault else ""
        self.error = self.raised and f" `rides` raised {self.raised}."
        self.said = self.fault or f"answered {self.price}"
        late, count = sum(r.status is None for r in self.rides), len(self.rides)
        self.waited = f"{late} of {count} riders gave up after {ride.patience} s."
        self.has_queue = self.kind == "rush" and late
        if "is locked" in self.raised:
            self.waited, self.has_queue = "sqlite3 said: database is locked.", True


async def run(world, answer, run):
    kind, rng = MORNINGS[run.seed], world.random
    count, places, patience = SIZES.get(kind, (4, 2, 8.0))
    seconds = 0.5 if kind == "rush" else 0.04
    pricing = split.Pricing(300 + rng.randrange(600), seconds)
    await world.serve("pricing", pricing.service)
    split.park(world.node("rides"), places)
    await world.serve("rides", lambda node: answer.served(split.impatient(node)))
    world.network.everywhere(latency=Uniform(0.001, 0.009))
    come = [0.03 * rng.random() for _ in range(count)]
    rides = [split.Ride(f"rider-{n}", come[n], patience) for n in range(count)]
    rides = [ride for ride in rides if run.step(ride.rider)]
    if kind == "two at once":
        world.network.lose("rides", "pricing", kind="request", skip=run.seed % 2)
    if kind in FAULTS:
        await pricing.fail_for("rider-1", kind, world, rides)
    else:
        await split.all_at_once(world, rides)
    owners = split.bikes(world.node("rides"))
    served = [span for span in world.recording.spans if span.kind == "server"]
    notes = [span.note for span in served if span.node == "rides" and span.note]
    raised = notes[-1] if notes else ""
    left = places - sum(ride.bike is not None for ride in rides)
    for ride in rides:
        fault = kind if kind in FAULTS and ride.rider == "rider-1" else ""
        has_none = fault or (kind == "two at once" and not ride.bike)
        wanted = 503 if has_none else 201 if ride.bike or left else 409
        price = None if fault else pricing.cents
        run.see(Asked(ride, rides, kind, fault, wanted, price, owners, raised))


CHECK = Check(
    run=run,
    seeds=range(len(MORNINGS)),
    praise=lambda _: {"faults": len(FAULTS)},
    laws=(
        Law("frees-too-many", lambda a: a.alone and a.is_saved, lambda a: a.is_theirs),
        Law("given-twice", always, lambda a: a.given.count(a.bike) <= 1),
        Law("lock-across-the-call", always, lambda a: not a.has_queue),
        Law("held-after-failure", lambda a: a.alone, lambda a: not a.is_held),
        Law("open-transaction", always, lambda a: a.agrees),
        Law("invented-price", lambda a: a.bike, lambda a: a.paid == a.price),
        Law("keeps-riders-waiting", always, lambda a: a.status is not None),
        Law("another-answer", always, lambda a: a.status == a.wanted),
    ),
)
