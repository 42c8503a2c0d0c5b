"""Larkhaven's simulated day against its bare requests and events, and its parts."""

import collections
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from bench import bus, world
from bench.table import Row
from movingparts.city.audit import Audit, auditor
from movingparts.city.day import Outcome, first_day, live_day, sleep_until
from movingparts.city.larkhaven import open_city, serve_city
from movingparts.city.synthetic import larkhaven
from movingparts.core.recording import Message
from movingparts.world import SimulatedWorld, simulate

STEP = 0.005  # seconds of processor time from one look to the next

# Whose file the innermost of these frames is in has the time.
PARTS = {
    "httpx, as the client": ("/httpx/", "/urllib/", "/http/", "/email/"),
    "FastAPI and Starlette": ("/fastapi/", "/starlette/", "movingparts/service"),
    "asyncio and virtual time": ("/asyncio/", "async_solipsism", "core/clock"),
    "the bus, and publishing events": (
        *("movingparts/bus/", "movingparts/published", "core/event", "core/rules"),
    ),
    "network and recording": ("movingparts/world/", "movingparts/core/"),
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
    """The seconds that a day took, virtual and of processor time, and its messages."""

    virtual: float
    processor: float
    messages: list[Message]


def day(looks: Looks) -> tuple[Spent, Outcome]:
    """Live through a day; return what it took, and what became of it.

    From its midnight on, in a city that is open; the audit receives every event of it.
    """
    city = larkhaven(1)
    audit = Audit({each.station_id: each.capacity for each in city.stations})

    async def scenario(world: SimulatedWorld) -> tuple[Spent, Outcome]:
        await world.serve("audit", auditor(audit))
        await serve_city(world)
        await open_city(world, city)
        await sleep_until(world, first_day(), 0, city)
        before = len(world.recording.messages)
        clocks = (world.clock.monotonic, time.process_time)
        begun = [clock() for clock in clocks]
        with looks.going_on():
            outcome = await live_day(world, city, first_day())
        took = [clock() - then for clock, then in zip(clocks, begun, strict=True)]
        return Spent(*took, world.recording.messages[before:]), outcome

    result: tuple[Spent, Outcome] = simulate(scenario, seed=1).result
    if audit.close():
        raise SystemExit(f"a rule was broken: {audit.broken[0]}")
    return result


def rows() -> list[Row]:
    """Return the day's speed, and the share that each part has of it."""
    looks = Looks()
    spent, outcome = day(looks)
    total, parts = looks.counts.total(), looks.counts.most_common()
    requests = sum(message.kind == "request" for message in spent.messages)
    events = sum(
        message.kind == "event" and message.source == "bus"
        for message in spent.messages
    )
    floor = requests / world.bare() + events / bus.queue()
    whole = spent.processor
    name = f"Larkhaven's day ({outcome.requests.total():,} ride requests)"
    bare = f"bare: {requests:,} requests by ASGITransport, {events:,} events by Queue"
    return [
        Row(f"{name}, virtual / processor time", spent.virtual, whole,
            spent.virtual / whole, "", "s"),
        Row(f"{name} / {bare}", whole, floor, whole / floor, "<= 4", "s"),
        *(
            Row(f"of that: {part}", whole * count / total, whole, count / total, "",
                "s")
            for part, count in parts
        ),
    ]  # fmt: skip
