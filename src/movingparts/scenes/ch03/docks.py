"""A bike that a truck moves while one of two reports gets lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from movingparts.city.availability.model import Refused
from movingparts.core import Node, Recording
from movingparts.core.random import Constant, stream
from movingparts.scenes.ch03.last_bike import agrees
from movingparts.service import refuses
from movingparts.world.simulated import SimulatedWorld, simulate

MOVES, BIKES, STATIONS = 600, 30, 24
Where = dict[str, str]  # bike: station
Report = Callable[[dict[int, int], int, int | None, int | None], None]
Handler = Callable[[Where, str, str], Any]


@dataclass(frozen=True, slots=True)
class BikeDocked:
    """A bike is at a station."""

    bike: str
    station: str


@dataclass(frozen=True, slots=True)
class BikeUnlocked:
    """A bike was let go."""

    bike: str


@dataclass(frozen=True, slots=True)
class AnomalyFound:
    """A report contradicts what was known."""

    bike: str
    reason: str


def wrong_places(report: Report, seed: int) -> list[int]:
    """Move bikes about, and return after each move how many are in a wrong place.

    `report` gets where each bike is known to be, a bike, the station that it left and
    the one that it came to; one report in ten is lost, and None.

    >>> def deaf(where, bike, left, arrived): ...
    >>> wrong_places(deaf, seed=7)[-1] > 20
    True
    """
    rng, counts = stream(seed, "moves"), []
    truth = {bike: rng.randrange(STATIONS) for bike in range(BIKES)}
    where = dict(truth)
    for _ in range(MOVES):
        bike = rng.randrange(BIKES)
        left, truth[bike] = truth[bike], rng.randrange(STATIONS)
        reports = [None if rng.random() < 0.1 else it for it in (left, truth[bike])]
        report(where, bike, *reports)
        counts.append(sum(where.get(bike) != truth[bike] for bike in truth))
    return counts


def moved_unseen(handlers: Mapping[str, Handler], where: Where) -> Recording:
    """Move B7 from S01 to S02, lose S01's report, and let Eve unlock B7 at S01.

    Each of `handlers` gets `where`, a bike and a station; it may raise `Refused`. The
    result says how S02 and Eve were answered.

    >>> def unlock(where, bike, station):
    ...     del where[bike]
    >>> run = moved_unseen({"docked": lambda *_: None, "unlock": unlock}, {"B7": "S01"})
    >>> run.result
    {'S02 reports': 'ok', 'Eve unlocks': 'ok'}
    """

    def stations(node: Node) -> FastAPI:
        app = FastAPI(title="stations")
        refuses(app, Refused)

        @app.post("/{station}/{bike}/{what}")
        async def handle(station: str, bike: str, what: str) -> str:
            handlers[what](where, bike, station)
            return "ok"

        return app

    async def scenario(world: SimulatedWorld) -> dict[str, str]:
        world.network.everywhere(latency=Constant(0.005))
        for name, factory in (("stations", stations), ("s01", agrees), ("s02", agrees)):
            await world.serve(name, factory)
        world.note("s01", "B7 leaves")
        world.network.lose("s01", "stations", kind="request")
        lost = world.node("s01").tasks.create_task(_send(world, "s01", "S01/B7/taken"))
        await world.clock.sleep(0.02)
        world.note("s02", "B7 arrives")
        await world.clock.sleep(0.01)
        reported = await _send(world, "s02", "S02/B7/docked")
        world.note("stations", f"B7 is at {where.get('B7')}")
        await world.clock.sleep(0.02)
        unlocked = await _send(world, "eve", "S01/B7/unlock")
        world.note("eve", "finds no bike" if unlocked == "ok" else "goes to S02")
        lost.cancel()
        return {"S02 reports": reported, "Eve unlocks": unlocked}

    return simulate(scenario, seed=7)


async def _send(world: SimulatedWorld, name: str, what: str) -> str:
    reply = await world.client(name).post(f"http://stations/{what}")
    answer: str = reply.json() if reply.status_code == 200 else reply.json()["detail"]
    return answer
