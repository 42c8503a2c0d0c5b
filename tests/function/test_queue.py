"""Events that are saved: none is lost, whatever ends in between."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from movingparts.core.bus import BusTimeout
from movingparts.core.event import Event
from movingparts.core.node import Node
from movingparts.core.random import Constant, Uniform
from movingparts.function import (
    Every,
    Platform,
    Profile,
    Retry,
    SimulatedBackend,
    Subject,
)
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.function.scripted import ECHO, FAILS, on_platform


@given(st.integers(0, 60), st.integers(0, 9))
def test_a_wait_grows_to_its_longest_and_is_at_least_half(n: int, seed: int) -> None:
    retry = Retry(first=2.0, longest=100.0)
    most = min(2.0 * 2**n, 100.0)
    assert most / 2 <= retry.wait(n, Random(seed)) <= most
    assert most == Retry(first=2.0, longest=100.0, jitter=False).wait(n, Random(seed))


def test_an_event_is_saved_once_under_one_id() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        ids = [platform.send("fares", 1, request_id="ride-1") for _ in range(3)]
        waiting = len(platform.queue)
        await platform.node.clock.sleep(10)
        return ids, waiting, len(platform.invocations), len(platform.queue)

    assert (["ride-1"] * 3, 1, 1, 0) == on_platform(scenario)


def test_an_event_that_is_sent_again_after_it_ran_runs_again() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        for _ in range(2):
            platform.send("fares", 1, request_id="ride-1")
            await platform.node.clock.sleep(10)
        return len(platform.invocations)

    assert 2 == on_platform(scenario)


def test_resuming_starts_nothing_a_second_time() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        platform.send("fares", 1)
        resumed = platform.resume(), platform.resume()
        await platform.node.clock.sleep(10)
        return resumed, len(platform.invocations)

    assert ((0, 0), 1) == on_platform(scenario)


def test_an_event_for_a_function_that_is_gone_waits_until_it_is_back() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", ECHO)
        platform.send("fares", 1)
        gone = platform.functions.pop("fares")
        await platform.node.clock.sleep(10)
        waiting = len(platform.queue)
        platform.functions["fares"] = gone
        resumed = platform.resume()
        await platform.node.clock.sleep(10)
        return waiting, resumed, len(platform.queue), len(platform.invocations)

    assert (1, 1, 0, 1) == on_platform(scenario)


def test_a_dead_letter_waits_for_a_bus_that_does_not_confirm() -> None:
    async def scenario(platform: Platform) -> Any:
        letters = []

        async def publish(subject: str, event: Any) -> None:
            letters.append(event)
            if len(letters) == 1:
                raise BusTimeout("not confirmed")

        platform.node.bus.publish = publish  # type: ignore[method-assign]  # a fake
        retry = Retry(retries=0, first=1.0)
        await platform.deploy("fares", FAILS, retry=retry, dead_letter="given-up")
        platform.send("fares", 1)
        await platform.node.clock.sleep(20)
        return len(letters), len(platform.queue), platform.node.logs

    count, waiting, logs = on_platform(scenario)
    assert (2, 0) == (count, waiting)
    assert any("dead letter of fares" in line for line in logs)


def test_an_event_without_a_destination_is_given_up_in_the_log() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", FAILS, retry=Retry(retries=0))
        platform.send("fares", 1, request_id="ride-1")
        await platform.node.clock.sleep(20)
        return len(platform.queue), platform.node.logs[-1]

    waiting, line = on_platform(scenario)
    assert 0 == waiting
    assert line.startswith("fares gave up ride-1: error ValueError: no tariff")


def test_a_versions_events_have_its_functions_retries() -> None:
    async def scenario(platform: Platform) -> Any:
        await platform.deploy("fares", FAILS, retry=Retry(retries=4, first=1.0))
        platform.send("fares:1", 1)
        await platform.node.clock.sleep(600)
        return len(platform.invocations)

    assert 5 == on_platform(scenario)


# --- crashes ----------------------------------------------------------------------

RIDES = 40
PROFILE = Profile(start=Constant(0.3), run=Uniform(0.01, 0.05), dies=0.2)


class City:
    """A platform as a service; what its functions did outlives every crash."""

    def __init__(self) -> None:
        self.done: Counter[int] = Counter()
        self.resumed = 0

    def functions(self, node: Node) -> FastAPI:
        layers = {"done": self.done}
        profiles = {"receipts": PROFILE}
        backend = SimulatedBackend(node.clock, node.random, profiles, layers)
        platform = Platform(node, backend)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> Any:
            await node.bus.stream("rides", "rides.>")
            await platform.deploy(
                "receipts",
                "def handler(event, context):\n    done[event['data']['ride']] += 1",
                triggers=(Subject("rides.ended"), Every(3600.0)),
                retry=Retry(retries=100, first=0.5, longest=2.0),
                memory_mb=1769,
            )
            self.resumed += platform.resume()
            yield

        return FastAPI(lifespan=lifespan)


@pytest.mark.parametrize("seed", range(8))
def test_a_platform_that_crashes_loses_no_event(seed: int) -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        city = City()
        await world.serve("functions", city.functions)
        rides = world.node("rides")
        for number in range(RIDES):
            event = Event(str(number), "/rides", "RideEnded", {"ride": number})
            await rides.bus.publish("rides.ended", event)
            await world.clock.sleep(world.random.uniform(0, 0.2))
            if number % 10 == 5:
                world.crash("functions")
                await world.clock.sleep(0.5)
                await world.restart("functions")
        await world.clock.sleep(300)
        return city

    city = simulate(scenario, seed=seed).result
    assert set(range(RIDES)) == set(city.done)
    assert city.resumed > 0


def test_a_function_that_ends_its_work_between_runs_is_at_least_once() -> None:
    """A crash after the work and before its record: it is done a second time."""

    async def scenario(world: SimulatedWorld) -> Any:
        city = City()
        await world.serve("functions", city.functions)
        rides = world.node("rides")
        for number in range(200):
            event = Event(str(number), "/rides", "RideEnded", {"ride": number})
            await rides.bus.publish("rides.ended", event)
        await world.clock.sleep(300)
        return city.done

    done = simulate(scenario, seed=1).result
    assert set(range(200)) == set(done)
    assert max(done.values()) > 1
