"""A station whose stream gets long, and a train that arrives.

Source: chapter 08. Leaves out: the network, and stations without a bike left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing

from movingparts.core import Recording
from movingparts.eventstore import NewEvent
from movingparts.scenes.ch08.station import Read, Stations, Waits
from movingparts.world.simulated import SimulatedWorld, simulate

BIKES = [f"B{number}" for number in range(1, 21)]
RIDERS, GAP = 6, 0.05  # how many get off a train, and the seconds between them
DAY = 1000  # events at this station

Close = Callable[[Stations, str, str], Awaitable[None]]


def happens(number: int) -> tuple[str, str]:
    """Return an event of the past: twenty bikes come, then each leaves and comes."""
    if number < len(BIKES):
        return "BikeDocked", BIKES[number]
    turn, comes = divmod(number - len(BIKES), 2)
    return ("BikeDocked" if comes else "BikeLeft"), BIKES[turn % len(BIKES)]


async def past(stations: Stations, stream: str, version: int, numbers: range) -> None:
    """Append events of the past to a stream."""
    new = [
        NewEvent(f"past-{number}", kind, {"bike": bike})
        for number, (kind, bike) in zip(numbers, map(happens, numbers), strict=True)
    ]
    if new:
        await stations.log.append(stream, new, expected_version=version)


def train(read: Read, *, events: int, close: Close | None = None) -> Recording:
    """Let a train arrive at a station with so many events; the result is `Waits`.

    Six riders take a bike each. One took a bike before, who isn't counted. With
    `close`, the station has a stream for each day of 1,000 events.
    """

    async def scenario(world: SimulatedWorld) -> Waits:
        stations = Stations(world.node("stations"))
        with closing(stations.db):
            stream, version = "S01/day-1", 0
            for first in range(0, events, DAY):
                if close and first:
                    today, stream = stream, f"S01/day-{first // DAY + 1}"
                    await close(stations, today, stream)
                    version = 1
                last = min(first + DAY, events)
                await past(stations, stream, version, range(first, last))
                version += last - first
            await stations.change(read, stream, BIKES[-1])
            stations.waits = Waits()
            async with asyncio.TaskGroup() as riders:
                for bike in BIKES[:RIDERS]:
                    riders.create_task(stations.change(read, stream, bike))
                    await world.clock.sleep(GAP)
        return stations.waits

    return simulate(scenario, seed=1)


def one_by_one(read: Read, lengths: range) -> Waits:
    """Do a command at each of these lengths of a stream, with nobody else there."""

    async def scenario(world: SimulatedWorld) -> Waits:
        stations, version = Stations(world.node("stations")), 0
        with closing(stations.db):
            for length in lengths:
                await past(stations, "S01", version, range(version, length))
                await stations.change(read, "S01", happens(length)[1])
                version = length + 1
        return stations.waits

    waits: Waits = simulate(scenario, seed=1).result
    return waits
