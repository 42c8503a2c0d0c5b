"""A crash at every step: the saga of chapter 06, and two that break their promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from random import Random
from typing import Any

import httpx

from movingparts.core import Node, Recording
from movingparts.core.clock import Clock
from movingparts.saga import Act, Page, Refused, Step
from movingparts.scenes.ch06.services import Trouble, ask, take_back
from movingparts.scenes.ch06.starting import RIDERS, Outcome, rides
from movingparts.scenes.crashes import Crash

FAULTS = {"loss": 0.05, "duplicate": 0.1, "latency": (0.001, 1.2)}
Call = Callable[[str, dict[str, Any]], Awaitable[Any]]
Save = Callable[[dict[str, Any]], Awaitable[Any]]
Start = Callable[[Call, Save, dict[str, Any]], Awaitable[None]]
City = Callable[..., Recording]  # takes a Trouble, `riders` and a `seed`


def steps(node: Node, save_ride: Act) -> list[Step]:
    """Return the steps of page 2, in order."""
    reserve = ask(node, "availability"), take_back(node, "availability")
    authorize = ask(node, "billing"), take_back(node, "billing")
    return [
        Step("reserve", *reserve),
        Step("authorize", *authorize),
        Step("unlock", ask(node, "stations")),
        Step("start", save_ride),
    ]


def new_keys(node: Node, save_ride: Act) -> list[Step]:
    """Return the same steps, each of which draws a new key whenever it is tried."""

    def fresh(act: Act) -> Act:
        async def do(key: str, data: dict[str, Any]) -> Any:
            return await act(f"{key}-{node.new_id()}", data)

        return do

    return [replace(step, do=fresh(step.do)) for step in steps(node, save_ride)]


async def four_calls(call: Call, save_ride: Save, ride: dict[str, Any]) -> None:
    """Start a ride as page 2 first does it."""
    ride["reserve"] = await call("availability", ride)
    ride["authorize"] = await call("billing", ride)
    ride["unlock"] = await call("stations", ride)
    await save_ride(ride)


class Calls:
    """Runs one coroutine for each ride, and keeps nothing: a crash ends it."""

    def __init__(self, db: Any, clock: Clock, steps: Sequence[Step], page: Page):
        self._rides: dict[str, dict[str, Any]] = {}
        (self._all,) = steps

    def __repr__(self) -> str:
        return f"<Calls for {len(self._rides)} rides>"

    def begin(self, saga: str, data: dict[str, Any]) -> None:
        """Remember a ride, in memory."""
        self._rides[saga] = data

    def unfinished(self) -> list[str]:
        """Return nothing: after a crash, nobody knows of any."""
        return []

    async def run(self, saga: str) -> None:
        """Call the coroutine; an error ends it."""
        with suppress(Refused, httpx.HTTPError):
            await self._all.do(saga, self._rides[saga])


def by_calls(start: Start, trouble: Trouble | None = None, **how: Any) -> Recording:
    """Run `rides` with a coroutine that calls the services, instead of a saga."""

    def one(node: Node, save_ride: Act) -> list[Step]:
        async def call(service: str, ride: dict[str, Any]) -> Any:
            return await ask(node, service)(f"{ride['ride']}/{node.new_id()}", ride)

        async def run(key: str, data: dict[str, Any]) -> None:
            await start(call, partial(save_ride, key), data)

        return [Step("all", run)]

    return rides(one, trouble, runner=Calls, **how)


WAYS: dict[str, City] = {
    "four calls": partial(by_calls, four_calls),
    "saga, new keys": partial(rides, new_keys),
    "saga": partial(rides, steps),
}


@dataclass
class Tally:
    """How many runs there were, how they ended, and which broke a promise, and how.

    `at` has the numbers of those that did; the first run is number 1.
    """

    runs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[str]] = field(default_factory=dict)
    at: list[int] = field(default_factory=list)

    def add(self, name: str, outcome: Outcome) -> None:
        """Count one run."""
        self.runs += 1
        self.ends.update(outcome.sagas.values())
        if wrong := outcome.broken():
            self.broken[name] = wrong
            self.at.append(self.runs)

    def merge(self, other: Tally) -> None:
        """Count the runs of another tally too."""
        self.at += [self.runs + number for number in other.at]
        self.runs += other.runs
        self.ends.update(other.ends)
        self.broken |= other.broken


def at_each_point(
    city: City, trouble: Trouble | None = None, riders: Sequence[str] = ("ada",)
) -> Tally:
    """Run once for each crash that a run without any could have had."""
    tally, trouble = Tally(), trouble or Trouble()
    for crash in city(trouble, riders=riders).result.points:
        crashed = replace(trouble, crashes=[crash])
        tally.add(str(crash), city(crashed, riders=riders).result)
    return tally


def under_faults(city: City, seeds: Iterable[int]) -> Tally:
    """Run with two crashes for each seed, and a network that loses and repeats."""
    tally, points = Tally(), _points(city)
    for seed in seeds:
        chance = Random(seed)
        poor = chance.sample(RIDERS, chance.randint(0, 1))
        trouble = Trouble(chance.sample(points, 2), poor=poor, **FAULTS)  # type: ignore[arg-type]  # chances, and a pair
        tally.add(f"seed {seed}", city(trouble, seed=seed).result)
    return tally


@cache
def _points(city: City) -> list[Crash]:
    points: list[Crash] = city(Trouble()).result.points
    return points
