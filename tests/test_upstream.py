"""Calls on behalf of a caller: how long they take, and how they fail."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from movingparts.core import Node
from movingparts.upstream import Caller, Deadline, Unavailable, Upstream, filled
from movingparts.world.simulated import SimulatedWorld, simulate


def pricing(node: Node) -> FastAPI:
    app = FastAPI()

    @app.get("/quote")
    async def quote(status: int = 200, after: float = 0.0) -> Response:
        await node.clock.sleep(after)
        return Response("[1]", status, {"retry-after": "3"})

    return app


def call(
    path: str = "/quote",
    *,
    seconds: float = 1.0,
    most: float = 60.0,
    down: bool = False,
) -> tuple[Any, float, list[str]]:
    """Return the answer or the error, how long it took, and what was logged."""

    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("pricing", pricing)
        if down:
            world.crash("pricing")
        node, now = world.node("gateway"), world.clock.monotonic
        caller = Caller("ada", "tap-1", Deadline(now() + seconds, now))
        upstream = Upstream(node)
        try:
            found: Any = await upstream.call(
                caller, "GET", f"http://pricing{path}", most
            )
        except Unavailable as error:
            found = error
        return found, now(), node.logs

    recording = simulate(scenario, seed=7)
    found, took, logs = recording.result
    requests = [each for each in recording.messages if each.kind == "request"]
    assert (1 if seconds > 0 else 0) == len(requests)
    return found, took, logs


def test_an_answer_comes_as_it_is_and_nothing_is_logged() -> None:
    answer, _, logs = call("/quote?status=404")
    assert isinstance(answer, httpx.Response)
    assert (404, "[1]", []) == (answer.status_code, answer.text, logs)


@pytest.mark.parametrize(
    ("seconds", "most", "took"), [(0.4, 60.0, 0.4), (1.0, 0.3, 0.3)]
)
def test_a_call_ends_with_its_own_time_or_the_caller_s(
    seconds: float, most: float, took: float
) -> None:
    error, ended, logs = call("/quote?after=9", seconds=seconds, most=most)
    assert (504, took) == (error.status_code, round(ended, 6))
    assert ["tap-1 http://pricing/quote?after=9: no answer in time"] == logs


@pytest.mark.parametrize("seconds", [0.0, -0.1])
def test_nobody_is_asked_when_no_time_is_left(seconds: float) -> None:
    error, ended, logs = call(seconds=seconds)
    assert (504, 0.0) == (error.status_code, ended)
    assert ["tap-1 http://pricing/quote: there was no time left to ask"] == logs


def test_a_service_that_is_down_is_a_502() -> None:
    error, _, [log] = call(down=True)
    assert (502, "pricing is not available") == (error.status_code, error.detail)
    assert "connection refused" in log


@pytest.mark.parametrize(
    ("status", "passed"), [(500, 502), (501, 502), (503, 503), (504, 504)]
)
def test_an_error_of_a_service_keeps_its_retry_after(status: int, passed: int) -> None:
    error, _, [log] = call(f"/quote?status={status}")
    expected = {"x-request-id": "tap-1", "retry-after": "3"}
    assert (passed, expected) == (error.status_code, error.headers)
    assert f"tap-1 http://pricing/quote?status={status}: [1]" == log


@pytest.mark.parametrize("value", ["..", "a/b", "a?b=c", "a#b", "a%2Fb", 7])
def test_no_value_changes_where_a_url_leads(value: Any) -> None:
    url = httpx.URL(filled("http://weather/at/{station}/now", {"station": value}))
    assert ("weather", b"", "") == (url.host, url.query, url.fragment)
    assert [b"at", b"now"] == url.raw_path.split(b"/")[1::2]
