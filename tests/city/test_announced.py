"""Whatever crashes right after a commit, what it has saved is announced in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from movingparts.city.audit import Audit, auditor
from movingparts.city.day import first_day, live_day, sleep_until
from movingparts.city.larkhaven import CONTEXTS, open_city, serve_city
from movingparts.city.synthetic import City, larkhaven
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld
from tests.city.test_day import VIEWS, read
from tests.city.town import Ledger, Town

CRASHES = 3  # of each service,
EVERY = 5  # each after so many of its commits
DOWN = 2.0  # seconds until a service that has crashed starts again


class Mortals:
    """Crashes each service several times right after a commit, before it publishes."""

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world
        self.commits: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()

    def committed(self, context: str) -> None:
        """Crash the service that has committed, if it is its turn."""
        self.commits[context] += 1
        turn = self.commits[context] % EVERY == 0
        if turn and self.crashes[context] < CRASHES:
            self.crashes[context] += 1
            self.world.crash(context)
            self.world.after(DOWN, self._restart, context)
            raise asyncio.CancelledError(f"{context} has crashed")

    def _restart(self, context: str) -> None:
        tasks = self.world.node("operator").tasks
        tasks.create_task(self.world.restart(context))


async def insist(town: Town, method: str, address: str, **body: str) -> None:
    """Ask until a service answers; a 409 says that an earlier try had done it."""
    for _ in range(5):
        try:
            reply = await town.client.request(method, address, json=body)
        except httpx.TransportError:
            await town.pause(DOWN)
            continue
        assert reply.is_success or reply.status_code == 409, reply.text
        return
    raise AssertionError(f"{method} {address}: no answer")


async def beside(town: Town, city: City) -> None:
    """Let riders sign up, and bikes break and be repaired."""
    for number, bike in enumerate(city.bikes[:10], start=1):
        await town.pause(240)
        who = f"http://riders/riders/new-{number}"
        person = {"name": "New", "email": f"new-{number}@larkhaven.example"}
        await insist(town, "PUT", who, **person)
        await insist(town, "PUT", f"{who}/passes/new-{number}", kind="member")
        faults = f"http://fleet/bikes/{bike.bike_id}/faults"
        await insist(town, "POST", faults, what="a flat tire")
        await insist(town, "DELETE", faults)


@pytest.mark.slow
def test_what_was_saved_before_any_crash_is_announced_after_it() -> None:
    city = larkhaven(seed=7, stations=4, bikes=20, riders=30, rides=150)
    ledger, audit = Ledger(), Audit()

    async def scenario(world: SimulatedWorld) -> Any:
        town = Town(world)
        await serve_city(world, ledger.contexts())
        await town.listen()
        await world.serve("audit", auditor(audit))
        await open_city(world, city)
        await sleep_until(world, first_day(), 7, city)
        mortals = Mortals(world)
        ledger.committed = mortals.committed
        more = world.node("app").tasks.create_task(beside(town, city))
        outcome = await live_day(world, city, first_day(), hours=(7, 9), trucks=0)
        await more
        await town.pause(60)
        views = [await read(world, city, what) for what in VIEWS[:2]]
        return town, outcome, mortals.crashes, views

    recording = simulate(scenario, seed=1)
    assert [] == [m.text for m in recording.moments if m.kind == "dead letter"]
    town, outcome, crashes, (hubs, docks) = recording.result
    assert dict.fromkeys(CONTEXTS, CRASHES) == crashes
    committed = [(who, name) for who, name, _ in ledger.published()]
    announced = [
        ((event.source, event.id), event.type.removeprefix("city.larkhaven."))
        for event in town.published
    ]
    assert [] == sorted(set(committed) - set(announced))
    for context in CONTEXTS:  # in the order of the commits; a repeat keeps its place
        source = f"/{context}"
        mine = [each for each in committed if each[0][0] == source]
        heard = [each for each in announced if each[0][0] == source]
        assert mine == [*dict.fromkeys(heard)]
    # All who have heard it agree on what happened.
    assert [] == audit.close()
    assert hubs == docks
    assert outcome.requests["ridden"] > 15
