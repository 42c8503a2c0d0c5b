"""Fault injection: which requests meet a fault, and what becomes of them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.faults import Fault, FaultyTransport, Injector
from movingparts.world.simulated import SimulatedWorld, simulate

TEST = ("x-test", "yes")


def pricing(node: Node) -> FastAPI:
    app = FastAPI()

    @app.post("/quote")
    async def quote(body: dict[str, int]) -> int:
        return body["minutes"]

    return app


def asked(
    *faults: Fault, timeout: float | None = None, times: int = 1, **sent: Any
) -> Any:
    """Return each answer, or its error's name, the seconds until then, the injector."""

    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("pricing", pricing)
        node, found = world.node("app"), []
        injector = Injector(node, faults)
        transport = FaultyTransport(node.client, injector)
        async with httpx.AsyncClient(transport=transport, timeout=timeout) as client:
            for _ in range(times):
                begun = world.clock.monotonic()
                try:
                    reply = await client.post(
                        "http://pricing/quote", json={"minutes": 7}, **sent
                    )
                    became: Any = (reply.status_code, reply.text)
                except httpx.HTTPError as error:
                    became = type(error).__name__
                found.append((became, round(world.clock.monotonic() - begun)))
        return found, injector

    return simulate(scenario, seed=7).result


def test_a_request_without_a_fault_is_answered_by_the_service() -> None:
    found, injector = asked(Fault("billing", abort=503))
    assert [((200, "7"), 0)] == found
    assert 0 == injector.injected


def test_a_delay_comes_before_the_answer() -> None:
    found, injector = asked(Fault("pricing", delay=3))
    assert [((200, "7"), 3)] == found
    assert 1 == injector.injected


def test_an_abort_takes_the_place_of_the_answer() -> None:
    assert [((503, "injected fault"), 0)] == asked(Fault("pricing", abort=503))[0]


def test_an_abort_may_come_late() -> None:
    late = Fault("pricing", delay=2, abort=503)
    assert [((503, "injected fault"), 2)] == asked(late)[0]


def test_two_delays_add_up() -> None:
    twice = [Fault("pricing", delay=2), Fault("pricing", "/quote", delay=1)]
    assert [((200, "7"), 3)] == asked(*twice)[0]


@pytest.mark.parametrize(("timeout", "became"), [(1, "ReadTimeout"), (4, (200, "7"))])
def test_a_client_waits_for_a_delayed_answer_as_for_any_other(
    timeout: float, became: object
) -> None:
    found, _ = asked(Fault("pricing", delay=3), timeout=timeout)
    assert [(became, min(timeout, 3))] == found


def test_with_a_header_only_requests_that_have_it_meet_the_fault() -> None:
    fault = Fault("pricing", header=TEST, abort=503)
    assert (200, "7") == asked(fault)[0][0][0]
    assert (200, "7") == asked(fault, headers={"x-test": "no"})[0][0][0]
    assert (503, "injected fault") == asked(fault, headers={"X-Test": "yes"})[0][0][0]


def test_a_path_is_where_a_request_begins() -> None:
    assert Fault("pricing", "/quote", abort=503).matches("pricing", "/quote/7", {})
    assert not Fault("pricing", "/fares", abort=503).matches("pricing", "/quote", {})


@pytest.mark.parametrize(("share", "least", "most"), [(0, 0, 0), (0.3, 20, 40)])
def test_a_share_of_the_requests_meets_the_fault(
    share: float, least: int, most: int
) -> None:
    found, injector = asked(Fault("pricing", share=share, abort=503), times=100)
    aborted = sum(became[0] == 503 for became, _ in found)
    assert least <= aborted <= most
    assert aborted == injector.injected


def test_each_fault_is_noted_with_its_request() -> None:
    noted = []

    async def scenario(world: SimulatedWorld) -> int | None:
        node = world.node("app")
        injector = Injector(node, note=lambda *both: noted.append(both))
        injector.faults = [fault]
        return await injector.inject("pricing", request)

    fault = Fault("pricing", abort=429)
    request = httpx.Request("GET", "http://pricing/quote")
    assert 429 == simulate(scenario, seed=7).result
    assert [(fault, request)] == noted


@pytest.mark.parametrize(
    "wrong",
    [{}, {"share": 1.5, "delay": 1}, {"share": -0.1, "delay": 1}, {"delay": -1}],
)
def test_a_fault_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"share|delay"):
        Fault("pricing", **wrong)
