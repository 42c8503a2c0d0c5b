"""Checks exercise 1.3: riders come at once, and pricing fails."""

from collections import Counter
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
class Morning:
    """All rides of one run, and who has which bike afterwards."""

    kind: str
    fault: str
    rides: list[Ride]
    parked: list[str]
    table: dict[str, str | None]
    promised: int
    errors: list[str]

    def __post_init__(self) -> None:
        self.before = ", ".join(self.parked)
        self.given = [ride.bike for ride in self.rides if ride.bike]
        self.taken = [who for who in self.table.values() if who]
        self.most, self.count = Counter([*self.taken, ""]).most_common(1)[0]
        self.cause = "A ride that is refused must leave no trace."
        if self.fault:
            self.cause = (
                f"Here `pricing` {self.fault}. A rider who gets no price gets no bike,"
                " so `rides` has to let go of it."
            )
        late = sum(ride.status is None for ride in self.rides)
        self.waited = f"{late} of {len(self.rides)} riders gave up after {RUSH} s."
        self.has_queue = self.kind == "rush" and late
        if any("is locked" in error for error in self.errors):
            self.waited, self.has_queue = "sqlite3 said: database is locked.", True


@dataclass
class Asked:
    """One ride: what came of it, and what should have."""

    ride: Ride
    day: Morning
    cents: int
    refusal: int  # with what status the rider may be refused, if at all

    def __post_init__(self) -> None:
        ride, errors = self.ride, self.day.errors
        self.rider, self.bike, self.told = ride.rider, ride.bike, ride.cents
        self.status, self.text = ride.status, ride.text
        self.wanted = 201 if ride.bike else self.refusal
        why = {503: "there is no price", 409: "no bike is left"}
        self.why = why.get(self.wanted, "the rider gets a bike")
        self.error = errors[-1].partition(" (in run,")[0] if errors else ""
        fault = f" Here `pricing` {self.day.fault}: that is a 503."
        self.because = fault if self.refusal == 503 else ""


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
            fault, unlucky = "does not get one request", {"rider-0", "rider-1"}
            world.network.lose("rides", "pricing", kind="request", skip=turn % 2)
        await all_at_once(world, path, rides)
    spans = [
        s for s in world.recording.spans if (s.node, s.kind) == ("rides", "server")
    ]
    promised = sum(200 <= (span.status or 0) < 300 for span in spans)
    errors = [span.note for span in spans if span.note]
    day = Morning(kind, fault, rides, parked, bikes(path), promised, errors)
    run.see(day)
    lucky = sum(ride.bike is not None or ride.rider not in unlucky for ride in rides)
    refusal = 201 if min(places, lucky) > len(day.given) else 409
    for ride in rides:
        may_be = 503 if ride.rider in unlucky else refusal
        run.see(Asked(ride, day, pricing.cents, may_be))


async def one_by_one(world, path, rides, pricing, fault):
    for ride in rides:
        if ride.rider == "rider-1":
            await pricing.disturb(world, fault)
        await ride.ask(world, path)
        await world.clock.sleep(20)
        await pricing.mend(world)


async def all_at_once(world, path, rides):
    tasks = [world.node(r.rider).tasks.create_task(r.ask(world, path)) for r in rides]
    for task in tasks:
        await task
    await world.clock.sleep(20)


def day(name, holds, when=always):
    return Law(name, lambda seen: isinstance(seen, Morning) and when(seen), holds)


def each(name, holds, when=always):
    return Law(name, lambda seen: isinstance(seen, Asked) and when(seen), holds)


def given_once(day):
    return len(set(day.given)) == len(day.given)


def kept(day):
    return len(day.taken) <= day.promised


CHECK = Check(
    run=run,
    praise=lambda seen: {"days": sum(isinstance(each, Morning) for each in seen)},
    seeds=range(6 * len(KINDS)),
    laws=(
        day("bike-gone", lambda d: sorted(d.table) == d.parked),
        day("takes-them-all", lambda d: d.count <= 1),
        day("look-then-take", given_once, lambda d: d.kind != "pricing fails"),
        each("not-in-the-database", lambda a: not a.bike or a.ride.is_written),
        each(
            "taken-away-again", lambda a: not a.bike or a.day.table[a.bike] == a.rider
        ),
        day("lock-across-the-call", lambda d: not d.has_queue),
        day("held-after-failure", kept, lambda d: d.kind != "two at once"),
        day("shared-transaction", kept),
        each("wrong-price", lambda a: not a.bike or a.told == a.cents),
        each("keeps-riders-waiting", lambda a: a.status is not None),
        each("another-route", lambda a: a.day.given or a.status not in ROUTING),
        each("another-body", lambda a: a.bike or not 200 <= a.status < 300),
        each("raises", lambda a: a.status != 500 or not a.error),
        each("turns-away", lambda a: a.bike or a.wanted != 201),
        each("wrong-status", lambda a: a.status == a.wanted),
    ),
)
