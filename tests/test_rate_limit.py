"""Rate limits: what a bucket lets through, who shares it, and whom it refuses."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from movingparts.core import Node
from movingparts.core.node import Scope
from movingparts.rate_limit import (
    FairLimit,
    Overloaded,
    PerClient,
    RateLimit,
    SharedLimit,
    TokenBucket,
    shared_limits,
)
from movingparts.service import service
from movingparts.world.simulated import SimulatedWorld, simulate


class Hand:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


gaps = st.lists(st.integers(0, 3000), max_size=60)  # milliseconds between requests


# --- a bucket -----------------------------------------------------------------------


@given(gaps, st.sampled_from([0.5, 2, 40]), st.integers(1, 8))
def test_any_stretch_of_time_lets_through_a_burst_and_the_rate_and_no_more(
    gaps: list[int], rate: float, burst: int
) -> None:
    clock = Hand()
    bucket = TokenBucket(clock, rate=rate, burst=burst)
    passed = []
    for gap in gaps:
        clock.now += gap / 1000
        if bucket.take() == 0:
            passed.append(clock.now)
    for first, last in itertools.combinations(range(len(passed)), 2):
        time = passed[last] - passed[first]
        assert last - first + 1 <= burst + rate * time + 1e-6


@given(gaps, st.sampled_from([0.5, 2, 40]), st.integers(1, 8))
def test_whoever_waits_as_long_as_told_is_let_through(
    gaps: list[int], rate: float, burst: int
) -> None:
    clock = Hand()
    bucket = TokenBucket(clock, rate=rate, burst=burst)
    for gap in gaps:
        clock.now += gap / 1000
        if wait := bucket.take():
            clock.now += wait + 1e-6
            assert 0 == bucket.take()


def test_whoever_asks_more_slowly_than_the_rate_never_waits() -> None:
    clock = Hand()
    bucket = TokenBucket(clock, rate=2, burst=1)
    for _ in range(50):
        assert 0 == bucket.take()
        clock.now += 0.5


def test_an_idle_bucket_saves_no_more_than_a_burst() -> None:
    clock = Hand()
    bucket = TokenBucket(clock, rate=10, burst=3)
    clock.now = 1000
    assert [0, 0, 0, 0.1] == [pytest.approx(bucket.take()) for _ in range(4)]


def test_a_refused_request_costs_no_token() -> None:
    clock = Hand()
    bucket = TokenBucket(clock, rate=1, burst=1)
    bucket.take()
    for _ in range(9):
        clock.now += 0.1
        assert bucket.take() > 0
    clock.now = 1.001
    assert 0 == bucket.take()


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0), (1, 2 / 3)])
def test_a_bucket_that_never_lets_anything_through_is_refused(
    rate: float, burst: float
) -> None:
    with pytest.raises(ValueError, match="burst >= 1"):
        TokenBucket(Hand(), rate=rate, burst=burst)


# --- one for each client ------------------------------------------------------------


def taken(limits: PerClient, *clients: str) -> list[float]:
    async def take() -> list[float]:
        return [await limits.take(client) for client in clients]

    return asyncio.run(take())


def test_one_clients_burst_costs_another_nothing() -> None:
    limits = PerClient(Hand(), rate=1, burst=2)
    assert [0, 0, 1, 0] == taken(limits, "ada", "ada", "ada", "bob")


def test_of_too_many_clients_it_forgets_the_one_not_seen_for_longest() -> None:
    limits = PerClient(Hand(), rate=1, burst=1, clients=2)
    assert [0, 0, 1, 0] == taken(limits, "ada", "bob", "ada", "eve")
    assert [1, 0] == taken(limits, "ada", "bob")  # eve came in Bob's place


# --- middleware ---------------------------------------------------------------------


def key(request: Request) -> str:
    return request.headers.get("api-key", "nobody")


def asked(wait: float, *keys: str) -> tuple[list[httpx.Response], list[str]]:
    """Return the answers to clients who all have to wait so long, and who was asked."""
    taken: list[str] = []

    async def take(client: str) -> float:
        taken.append(client)
        return wait

    def stations(node: Node) -> FastAPI:
        app = service(node, title="stations")

        @app.get("/bikes")
        async def bikes() -> int:
            return 3

        app.add_middleware(RateLimit, take=take, client_of=key)
        return app

    async def scenario(world: SimulatedWorld) -> list[httpx.Response]:
        await world.serve("stations", stations)
        client, url = world.client("app"), "http://stations/bikes"
        return [await client.get(url, headers={"api-key": k}) for k in keys]

    return simulate(scenario, seed=7).result, taken


def test_a_client_within_its_rate_gets_the_apps_answer() -> None:
    [answer], taken = asked(0, "ada")
    assert (200, 3, ["ada"]) == (answer.status_code, answer.json(), taken)


@pytest.mark.parametrize(("wait", "header"), [(0.02, "1"), (1.0, "1"), (1.2, "2")])
def test_another_gets_a_429_and_is_told_when_to_come_back(
    wait: float, header: str
) -> None:
    [answer], _ = asked(wait, "ada")
    assert (429, header) == (answer.status_code, answer.headers["retry-after"])
    assert "application/problem+json" == answer.headers["content-type"]


def test_what_is_no_request_passes_so_that_the_app_can_start() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        seen.append(scope)

    async def never(client: str) -> float:
        raise AssertionError("nobody asks")

    scope: Scope = {"type": "lifespan"}
    asyncio.run(RateLimit(app, take=never, client_of=key)(scope, None, None))
    assert [scope] == seen


# --- one limit for several gateways -------------------------------------------------

Scenario = Callable[[SimulatedWorld], Any]


def shared(clients: list[str], before: Scenario | None = None) -> Any:
    """Return what gateways in turn say, how often each decided by itself, and when."""

    async def scenario(world: SimulatedWorld) -> Any:
        alone: list[str] = []

        async def fallback(client: str) -> float:
            alone.append(client)
            return 9.0

        await world.serve("limits", lambda node: shared_limits(node, rate=1, burst=2))
        if before is not None:
            before(world)
        gates = [SharedLimit(world.node(f"gateway-{n}"), fallback) for n in (1, 2, 3)]
        turns = zip(itertools.cycle(gates), clients, strict=False)
        waits = [await gate.take(client) for gate, client in turns]
        return waits, alone, world.clock.monotonic()

    return simulate(scenario, seed=7).result


def test_three_gateways_together_let_a_burst_through_once() -> None:
    waits, alone, _ = shared(["ada"] * 4 + ["bob"])
    assert [0, 0, True, True, 0] == [wait and wait > 0.9 for wait in waits]
    assert [] == alone


def test_the_name_of_a_client_may_be_anything() -> None:
    waits, alone, _ = shared(["a/b", "a/b", "a/b", "ü?&=", ""])
    assert [0, 0, True, 0, 0] == [wait and wait > 0.9 for wait in waits]
    assert [] == alone


def test_a_gateway_decides_by_itself_while_the_limits_are_down() -> None:
    waits, alone, _ = shared(["ada"], lambda world: world.crash("limits"))
    assert ([9.0], ["ada"]) == (waits, alone)


def test_a_gateway_waits_for_the_limits_no_longer_than_its_patience() -> None:
    def cut(world: SimulatedWorld) -> None:
        world.network.partition("limits", "gateway-1")

    waits, alone, seconds = shared(["ada"], cut)
    assert ([9.0], ["ada"]) == (waits, alone)
    assert 0.05 == pytest.approx(seconds, abs=0.01)


def test_a_gateway_decides_by_itself_if_the_limits_answer_with_an_error() -> None:
    async def scenario(world: SimulatedWorld) -> float:
        def broken(node: Node) -> FastAPI:
            return service(node, title="limits")  # knows no such path: 404

        async def fallback(client: str) -> float:
            return 7.0

        await world.serve("limits", broken)
        return await SharedLimit(world.node("gateway"), fallback).take("ada")

    assert 7.0 == simulate(scenario, seed=7).result


def test_a_mistake_in_the_fallback_is_not_hidden() -> None:
    async def scenario(world: SimulatedWorld) -> None:
        async def fallback(client: str) -> float:
            raise httpx.InvalidURL("a mistake")

        gate = SharedLimit(world.node("gateway"), fallback)
        with pytest.raises(httpx.InvalidURL):
            await gate.take("ada")

    simulate(scenario, seed=7)


# --- requests under way -------------------------------------------------------------


class Work:
    """Work that goes on until its client's oldest request is ended."""

    def __init__(self, places: int) -> None:
        self.limit = FairLimit(places)
        self.going: list[tuple[str, AbstractContextManager[None]]] = []

    def begin(self, *clients: str) -> list[bool]:
        """Return for each request whether it got a place."""
        return [self._begin(client) for client in clients]

    def _begin(self, client: str) -> bool:
        place = self.limit.enter(client)
        try:
            place.__enter__()
        except Overloaded:
            return False
        self.going.append((client, place))
        return True

    def end(self, client: str) -> None:
        oldest = next(each for each in self.going if each[0] == client)
        self.going.remove(oldest)
        oldest[1].__exit__(None, None, None)


def test_a_client_alone_may_have_all_places() -> None:
    assert [True] * 4 + [False] == Work(4).begin(*["partner"] * 5)


def test_when_another_comes_the_first_gets_no_more_than_half() -> None:
    work = Work(4)
    assert [True] * 4 == work.begin(*["partner"] * 3, "riders")
    work.end("partner")
    assert [False, True, False] == work.begin("partner", "riders", "riders")
    assert {"partner": 2, "riders": 2} == dict(work.limit.busy)


def test_a_client_that_has_left_has_no_share() -> None:
    work = Work(4)
    assert [True] * 3 + [False] == work.begin("riders", *["partner"] * 3)
    work.end("riders")
    assert [True, True, False] == work.begin(*["partner"] * 3)


def test_with_more_clients_than_places_each_that_gets_in_has_one() -> None:
    work = Work(2)
    assert [True, True, False] == work.begin("a", "b", "c")
    work.end("a")
    assert [True, False, False] == work.begin("c", "b", "a")


def test_work_that_fails_gives_its_place_back() -> None:
    limit = FairLimit(1)
    with pytest.raises(KeyError), limit.enter("ada"):
        raise KeyError
    assert {} == dict(limit.busy)
