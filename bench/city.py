"""Larkhaven's simulated day: virtual time against wall time, and where that goes."""

import collections
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from bench.table import Row
from movingparts.city.audit import Audit, auditor
from movingparts.city.day import Outcome, first_day, live_day, sleep_until
from movingparts.city.larkhaven import open_city, serve_city
from movingparts.city.synthetic import larkhaven
from movingparts.world import SimulatedWorld, simulate

BAR = 40.0  # seconds that a day may take
STEP = 0.005  # seconds of processor time from one look to the next

# Whose file the innermost of these frames is in has the time.
PARTS = {
    "httpx, as the client": ("/httpx/", "/urllib/", "/http/", "/email/"),
    "FastAPI and Starlette": ("/fastapi/", "/starlette/", "movingparts/template"),
    "asyncio and virtual time": ("/asyncio/", "async_solipsism", "core/clock"),
    "the bus, and telling events": ("movingparts/bus/", "movingparts/published"),
    "network and recording": ("movingparts/world/",),
    "SQLite": ("movingparts/repository",),
    "units of work, with their JSON": ("movingparts/unit_of_work",),
    "the audit": ("city/audit",),
    "models and services": ("movingparts/city/",),
}


class Looks:
    """Counts, at regular moments of processor time, which part is at work.

    A profiler that counts calls takes longer for many short ones than for a long one,
    and would change what it measures.
    """

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Look while something runs."""
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, STEP, STEP)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, _: int, frame: FrameType | None) -> None:
        while frame is not None:
            file = frame.f_code.co_filename
            for name, files in PARTS.items():
                if any(part in file for part in files):
                    self.counts[name] += 1
                    return
            frame = frame.f_back
        self.counts["the rest"] += 1


class Spent(NamedTuple):
    """The seconds that a day took: virtual, wall and processor time."""

    virtual: float
    wall: float
    processor: float


def day(looks: Looks) -> tuple[Spent, Outcome, Audit]:
    """Live through a day; return what it took, and what became of it.

    From its midnight on, in a city that is open; the audit hears every event of it.
    """
    city = larkhaven(1)
    audit = Audit({each.station_id: each.capacity for each in city.stations})
    spent: list[Spent] = []

    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("audit", auditor(audit))
        await serve_city(world)
        await open_city(world, city)
        await sleep_until(world, first_day(), 0, city)
        clocks = (world.clock.monotonic, time.perf_counter, time.process_time)
        begun = [clock() for clock in clocks]
        with looks.going_on():
            outcome = await live_day(world, city, first_day())
        took = (clock() - then for clock, then in zip(clocks, begun, strict=True))
        spent.append(Spent(*took))
        return outcome

    outcome: Outcome = simulate(scenario, seed=1).result
    if audit.close():
        raise SystemExit(f"a rule was broken: {audit.broken[0]}")
    return spent[0], outcome, audit


def rows() -> list[Row]:
    """Return the day's speed, and the share that each part has of it."""
    looks = Looks()
    spent, outcome, audit = day(looks)
    total, parts = looks.counts.total(), looks.counts.most_common()
    most = ", ".join(f"{name} {count / total:.0%}" for name, count in parts[:3])
    bounds = (
        f"What bounds it: {most}. Of {spent.wall:.0f} s, it had the processor for"
        f" {spent.processor:.0f}."
    )
    requests, events = outcome.requests.total(), audit.counts.total()
    name = f"Larkhaven's day ({requests:,} ride requests, {events:,} events)"
    whole = spent.processor
    return [
        Row(f"{name}, virtual / wall time", spent.virtual, spent.wall,
            spent.virtual / spent.wall, "", "s"),
        Row("its wall time / 40 s", spent.wall, BAR, spent.wall / BAR, "<= 1", "s",
            bounds),
        Row("its processor time / 40 s", whole, BAR, whole / BAR, "<= 1", "s", bounds),
        *(
            Row(f"of that: {part}", whole * count / total, whole, count / total, "",
                "s")
            for part, count in parts
        ),
    ]  # fmt: skip
