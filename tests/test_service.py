"""The template: health, readiness, problems, limits and a good end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from movingparts.core import Node
from movingparts.service import Limits, service
from movingparts.world.simulated import SimulatedWorld, simulate


def shop(node: Node, **more: Any) -> FastAPI:
    app = service(node, title="shop", limits=Limits(request=2.0), **more)

    @app.get("/slow")
    async def slow(seconds: float) -> str:
        await node.clock.sleep(seconds)
        return "done"

    @app.get("/gone")
    async def gone() -> None:
        raise HTTPException(409, "taken", headers={"Retry-After": "3"})

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the reason, which callers are not told")

    @app.get("/own-timeout")
    async def own_timeout() -> None:
        raise TimeoutError("of its own")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"begun"
            await node.clock.sleep(9)
            yield b"never"

        return StreamingResponse(parts())

    return app


def ask(path: str, **more: Any) -> httpx.Response:
    async def scenario(world: SimulatedWorld) -> httpx.Response:
        await world.serve("shop", lambda node: shop(node, **more))
        return await world.client("rider", timeout=60).get(f"http://shop{path}")

    answer: httpx.Response = simulate(scenario, seed=7).result
    return answer


@pytest.mark.parametrize(("path", "text"), [("/health", "up"), ("/ready", "ready")])
def test_a_started_service_is_up_and_ready(path: str, text: str) -> None:
    assert {"status": text} == ask(path).json()


def test_a_missing_dependency_makes_it_unready_but_not_unhealthy() -> None:
    async def fine() -> None:
        return None

    async def missing() -> None:
        raise ConnectionError("no route")

    checks = {"disk": fine, "pricing": missing}
    assert 200 == ask("/health", checks=checks).status_code
    answer = ask("/ready", checks=checks)
    assert (503, "pricing: no route") == (answer.status_code, answer.json()["detail"])


@pytest.mark.parametrize(
    ("path", "status", "title", "detail"),
    [
        ("/nowhere", 404, "Not Found", "Not Found"),
        ("/gone", 409, "Conflict", "taken"),
        (
            "/broken",
            500,
            "Internal Server Error",
            "unexpected: this may have been done, in whole or in part",
        ),
        (
            "/own-timeout",
            500,
            "Internal Server Error",
            "unexpected: this may have been done, in whole or in part",
        ),
        (
            "/slow?seconds=9",
            503,
            "Service Unavailable",
            "took over 2 s: this may have been done in part",
        ),
    ],
)
def test_each_error_is_answered_as_problem_details(
    path: str, status: int, title: str, detail: str
) -> None:
    answer = ask(path)
    assert "application/problem+json" == answer.headers["content-type"]
    expected = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    assert expected == answer.json()
    assert status == answer.status_code


def test_an_error_keeps_its_headers() -> None:
    assert "3" == ask("/gone").headers["retry-after"]


def test_the_answer_to_an_invalid_request_names_each_error() -> None:
    answer = ask("/slow?seconds=soon")
    assert 422 == answer.status_code
    assert ["query.seconds"] == [each["at"] for each in answer.json()["errors"]]


def test_a_request_within_its_limit_is_answered() -> None:
    assert "done" == ask("/slow?seconds=1").json()


def test_an_answer_that_has_begun_is_cut_off_not_replaced() -> None:
    async def scenario(world: SimulatedWorld) -> tuple[Any, float]:
        service = await world.serve("shop", shop)
        await world.client("rider", timeout=60).get("http://shop/stream")
        return service.logs[-1], world.clock.monotonic()

    log, seconds = simulate(scenario, seed=7).result
    assert "TimeoutError" in log
    assert seconds == pytest.approx(2.002)


def test_its_calls_are_limited_too() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("shop", shop)
        return world.node("shop").client.timeout

    expected = httpx.Timeout(2.0, connect=0.5, pool=0.5)
    assert expected == simulate(scenario, seed=7).result


def test_it_finishes_what_has_begun_before_it_closes_what_that_needs() -> None:
    story: list[str] = []

    @asynccontextmanager
    async def database(app: FastAPI) -> AsyncIterator[None]:
        story.append("open")
        yield
        story.append("closed")

    async def scenario(world: SimulatedWorld) -> str:
        shops = await world.serve("shop", lambda node: shop(node, lifespan=database))
        rider = world.client("rider")
        call = world.node("rider").tasks.create_task(
            rider.get("http://shop/slow?seconds=1")
        )
        await world.clock.sleep(0.5)
        await shops.stop()
        story.append((await call).json())
        try:
            await rider.get("http://shop/health")
        except httpx.ConnectError:
            story.append("refused")
        return "ended"

    assert "ended" == simulate(scenario, seed=7).result
    assert ["open", "closed", "done", "refused"] == story


def test_before_its_start_and_after_its_end_it_is_not_ready() -> None:
    async def scenario(world: SimulatedWorld) -> list[int]:
        app = shop(world.node("somebody"))
        asked = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://shop"
        )
        before = (await asked.get("/ready")).status_code
        async with app.router.lifespan_context(app):
            between = (await asked.get("/ready")).status_code
        return [before, between, (await asked.get("/ready")).status_code]

    assert [503, 200, 503] == simulate(scenario, seed=7).result
