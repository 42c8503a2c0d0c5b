"""Checks exercise 1.3: riders come at once, and pricing fails."""

from dataclasses import dataclass

from movingparts.check import Check, Law, always
from movingparts.scenes.ch01.last_bike import (
    FAULTS,
    Pricing,
    Ride,
    bikes,
    impatient,
    park,
)
from movingparts.world import Uniform

# For each kind of morning: bikes, riders, and the seconds within which they come.
KINDS = {
    "in step": (1, 2, 0.0),
    "rush": (6, 6, 0.01),
    "two at once": (2, 2, 0.05),
    "last bike": (1, 2, 0.2),
    "pricing fails": (2, 3, 0.0),
}
ROUTING = {307, 404, 405, 422}  # what answers if no route is the right one
RUSH, PATIENCE = 0.9, 8.0  # seconds that a rider waits; pricing takes 0.5 in a rush


@dataclass
class Asked:
    """One ride of a morning: what came of it, and what should have."""

    ride: Ride
    rides: list[Ride]
    kind: str
    fault: str
    parked: list[str]
    table: dict[str, str | None]  # who has which bike in the end
    cents: int
    refusal: int  # with what status the rider may be refused, if at all
    errors: list[str]

    def __post_init__(self) -> None:
        ride, self.given = self.ride, [r.bike for r in self.rides if r.bike]
        self.rider, self.bike, self.price = ride.rider, ride.bike, ride.cents
        self.status, self.text = ride.status, ride.text
        self.mine = [bike for bike, who in ride.table.items() if who == self.rider]
        free = [bike for bike, who in ride.table.items() if who is None]
        self.free, self.before = ", ".join(free) or "none", ", ".join(self.parked)
        self.count, self.held = len(self.mine), ", ".join(self.mine)
        self.owner = self.table.get(self.bike)
        status = self.status or 0
        self.is_success = 200 <= status < 300
        self.is_held = status >= 400 and bool(self.mine)
        self.wanted = 201 if ride.bike else self.refusal
        why = {503: "there is no price", 409: "no bike is left"}
        self.why = why.get(self.wanted, "the rider gets a bike")
        self.error = (self.errors or [""])[-1].partition(" (in run,")[0]
        fault = f" Here `pricing` {self.fault}, so there is no price."
        self.because = fault if self.refusal == 503 else ""
        late = sum(ride.status is None for ride in self.rides)
        self.waited = f"{late} of {len(self.rides)} riders gave up after {RUSH} s."
        self.has_queue = self.kind == "rush" and late
        if any("is locked" in error for error in self.errors):
            self.waited, self.has_queue = "sqlite3 said: database is locked.", True


async def run(world, answer, run):
    kind, turn = list(KINDS)[run.seed % len(KINDS)], run.seed // len(KINDS)
    places, count, spread = KINDS[kind]
    rng, is_rush = world.random, kind == "rush"
    pricing = Pricing(100 + rng.randrange(900), 0.5 if is_rush else 0.04)
    await world.serve("pricing", pricing.service)
    parked = [f"bike-{n + 1}" for n in range(places)]
    park(world.node("rides"), *parked)
    path = world.node("rides").disk.path / "data.sqlite"
    await world.serve("rides", lambda node: answer.served(impatient(node)))
    even = kind == "in step"
    world.network.everywhere(latency=0.005 if even else Uniform(0.001, 0.009))
    patience = RUSH if is_rush else PATIENCE
    rides = [Ride(f"rider-{n}", spread * rng.random(), patience) for n in range(count)]
    rides = [ride for ride in rides if run.step(ride.rider)]
    fault, unlucky = "", set()
    if kind == "pricing fails":
        fault, unlucky = FAULTS[turn % len(FAULTS)], {"rider-1"}
        await one_by_one(world, path, rides, pricing, fault)
    else:
        if kind == "two at once":
            fault, unlucky = "never gets the request", {"rider-0", "rider-1"}
            world.network.lose("rides", "pricing", kind="request", skip=turn % 2)
        await all_at_once(world, path, rides)
    spans = [s for s in world.recording.spans if s.kind == "server"]
    errors = [s.note for s in spans if s.note and s.node == "rides"]
    given = sum(ride.bike is not None for ride in rides)
    lucky = sum(ride.bike is not None or ride.rider not in unlucky for ride in rides)
    refusal = 201 if min(places, lucky) > given else 409
    table = bikes(path)
    for ride in rides:
        may = 503 if ride.rider in unlucky else refusal
        cents = pricing.cents
        run.see(Asked(ride, rides, kind, fault, parked, table, cents, may, errors))


async def one_by_one(world, path, rides, pricing, fault):
    for ride in rides:
        if ride.rider == "rider-1":
            await pricing.disturb(world, fault)
        await ride.ask(world, path)
        await world.clock.sleep(20)
        await pricing.restore(world)


async def all_at_once(world, path, rides):
    tasks = [world.node(r.rider).tasks.create_task(r.ask(world, path)) for r in rides]
    for task in tasks:
        await task
    await world.clock.sleep(20)


def at_once(asked):
    return asked.kind != "pricing fails"


def alone(asked):
    return asked.kind != "two at once"


CHECK = Check(
    run=run,
    seeds=range(6 * len(KINDS)),
    laws=(
        Law("bike-gone", always, lambda a: sorted(a.table) == a.parked),
        Law("takes-them-all", always, lambda a: a.count <= 1),
        Law("look-then-take", at_once, lambda a: a.given.count(a.bike) <= 1),
        Law("not-in-the-database", lambda a: a.bike, lambda a: a.bike in a.mine),
        Law("taken-away-again", lambda a: a.bike, lambda a: a.owner == a.rider),
        Law("lock-across-the-call", always, lambda a: not a.has_queue),
        Law("held-after-failure", alone, lambda a: not a.is_held),
        Law("shared-transaction", always, lambda a: not a.is_held),
        Law("wrong-price", lambda a: a.bike, lambda a: a.price == a.cents),
        Law("keeps-riders-waiting", always, lambda a: a.status is not None),
        Law("another-route", lambda a: not a.given, lambda a: a.status not in ROUTING),
        Law("another-body", lambda a: not a.bike, lambda a: not a.is_success),
        Law("raises", lambda a: a.error, lambda a: a.status != 500),
        Law("turns-away", lambda a: a.wanted == 201, lambda a: a.bike),
        Law("wrong-status", always, lambda a: a.status == a.wanted),
    ),
)
