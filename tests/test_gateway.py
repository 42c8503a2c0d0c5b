"""The gateway: where requests go, what a screen is made of, who comes in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from movingparts.core import Node
from movingparts.gateway import Part, Route, gateway
from movingparts.scenes.ch04.home import HOME, SERVICES, authenticate, serve_city
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.each_world import Run, each_world, simulated

ADA = {"authorization": "Bearer token-of-ada"}
run = each_world


def echo(node: Node) -> FastAPI:
    """Answer with what has arrived."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PATCH"])
    async def answer(request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "headers": dict(request.headers),
            "body": (await request.body()).decode(),
        }

    return app


def answers(
    status: int = 200,
    text: str = "{}",
    *,
    headers: Mapping[str, str] | None = None,
    after: float = 0.0,
) -> Callable[[Node], FastAPI]:
    """Return a service that gives one answer to everything."""

    def make(node: Node) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def answer() -> Response:
            await node.clock.sleep(after)
            return Response(text, status, headers)

        return app

    return make


async def get(
    world: Any, path: str, headers: Mapping[str, str] = ADA, **more: Any
) -> httpx.Response:
    """Ask a gateway that is made of `more`."""
    await world.serve("gateway", lambda node: gateway(node, **more))
    app = world.client("app", timeout=9.0)
    reply: httpx.Response = await app.get(f"http://gateway{path}", headers=headers)
    return reply


def home(
    headers: Mapping[str, str] = ADA, path: str = "/screen/harbor", **others: Any
) -> httpx.Response:
    """Return the home screen, with some services replaced."""

    async def scenario(world: SimulatedWorld) -> httpx.Response:
        await serve_city(world, **others)
        screens = {"/screen/{station}": HOME}
        return await get(
            world, path, headers, screens=screens, authenticate=authenticate
        )

    reply: httpx.Response = simulated(scenario)
    return reply


def forwarded(
    path: str,
    headers: Mapping[str, str] | None = None,
    service: Any = echo,
    **more: Any,
) -> httpx.Response:
    """Return the answer to a request that is passed on."""
    routes = [Route("/rides", "rides"), Route("/open/feeds", "rides", strip=False)]

    async def scenario(world: SimulatedWorld) -> httpx.Response:
        await world.serve("rides", service)
        return await get(world, path, headers or {}, routes=routes, **more)

    reply: httpx.Response = simulated(scenario)
    return reply


# --- both worlds ----------------------------------------------------------------


def test_it_routes_composes_and_does_without_a_part_in_each_world(run: Run) -> None:
    async def scenario(world: Any) -> list[Any]:
        for name in ("riders", "billing", "rides", "availability", "stations"):
            await world.serve(name, SERVICES[name])  # and no weather
        await world.serve("echo", echo)

        def door(node: Node) -> FastAPI:
            return gateway(
                node,
                routes=[Route("/echo", "echo")],
                screens={"/screen/{station}": HOME},
                authenticate=authenticate,
            )

        await world.serve("gateway", door)
        app = world.client("app")
        screen = await app.get("http://gateway/screen/harbor", headers=ADA)
        sent = await app.post(
            "http://gateway/echo/a%2Fb/%3F?q=1&q=2", headers=ADA, content="body"
        )
        return [screen.status_code, screen.json(), sent.status_code, sent.json()]

    status, screen, sent_status, sent = run(scenario)
    assert (200, 200) == (status, sent_status)
    assert ["weather"] == screen["missing"]
    assert (None, {"bikes": 6}) == (screen["weather"], screen["bikes"])
    found = {key: sent[key] for key in ("method", "path", "query", "body")}
    expected = {"path": "/a%2Fb/%3F", "query": "q=1&q=2", "body": "body"}
    assert {"method": "POST", **expected} == found
    assert "ada" == sent["headers"]["x-rider"]


# --- where a request goes -------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/rides/ride-17", "/ride-17"),
        ("/rides", "/"),
        ("/rides/a%2Fb", "/a%2Fb"),
        ("/rides/all%3Fof=bob", "/all%3Fof=bob"),
        ("/open/feeds/gbfs.json", "/open/feeds/gbfs.json"),
    ],
)
def test_the_path_goes_on_as_it_was_sent(path: str, there: str) -> None:
    assert there == forwarded(path).json()["path"]


@pytest.mark.parametrize(
    "path",
    ["/ridesx", "/", "/open", "/rides/%2E%2e/admin", "/open/feeds/..%2F../admin"],
)
def test_what_has_no_route_is_a_404(path: str) -> None:
    reply = forwarded(path)
    assert (404, f"nothing is at {path}") == (reply.status_code, reply.json()["detail"])


def test_a_path_with_dots_has_no_route_even_if_no_client_has_resolved_them() -> None:
    assert Route("/open", "feeds", strip=False).path("/open/../admin") is None


def test_the_first_route_that_fits_is_taken() -> None:
    async def scenario(world: SimulatedWorld) -> str:
        await world.serve("new", answers(text="new"))
        await world.serve("old", answers(text="old"))
        routes = [Route("/v1/rides", "old"), Route("/v1", "new")]
        return (await get(world, "/v1/rides/7", routes=routes)).text

    assert "old" == simulated(scenario)


def test_its_description_names_screens_and_gives_no_warning() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        screens = {"/screen/{station}": HOME}
        return (await get(world, "/openapi.json", screens=screens)).json()

    assert ["/screen/{station}"] == list(simulated(scenario)["paths"])


# --- what goes along, and what comes back ---------------------------------------


def test_what_a_client_says_about_the_rider_is_not_believed() -> None:
    said = {**ADA, "x-rider": "bob"}
    arrived = forwarded("/rides", said, authenticate=authenticate).json()["headers"]
    assert "ada" == arrived["x-rider"]
    assert "authorization" not in arrived


def test_without_authentication_everybody_is_anonymous() -> None:
    arrived = forwarded("/rides", {"x-rider": "bob"}).json()["headers"]
    assert "anonymous" == arrived["x-rider"]


def test_headers_of_the_client_s_own_go_along_and_those_of_the_connection_do_not() -> (
    None
):
    said = {"x-app": "4.2", "accept-encoding": "br", "te": "trailers"}
    arrived = forwarded("/rides", said).json()["headers"]
    assert "4.2" == arrived["x-app"]
    assert "br" not in arrived["accept-encoding"]  # httpx could not read it
    assert "te" not in arrived


def test_the_request_s_id_is_the_caller_s_or_a_new_one() -> None:
    arrived = forwarded("/rides", {"x-request-id": "tap-1"}).json()["headers"]
    assert "tap-1" == arrived["x-request-id"]
    assert 36 == len(forwarded("/rides").json()["headers"]["x-request-id"])


def test_of_the_answer_comes_back_what_says_nothing_of_the_inside() -> None:
    inside = {"server": "uvicorn", "location": "http://rides/ride-7", "etag": '"1"'}
    after = {"retry-after": "3", "content-type": "text/plain"}
    reply = forwarded("/rides", service=answers(429, "wait", headers=inside | after))
    expected = {"etag": '"1"', **after, "content-length": "4"}
    assert (429, "wait", expected) == (
        reply.status_code,
        reply.text,
        dict(reply.headers),
    )


def test_the_gateway_s_call_stands_between_the_app_s_and_the_service_s() -> None:
    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("rides", echo)
        await get(world, "/rides", routes=[Route("/rides", "rides")])

    spans = simulate(scenario, seed=7).spans
    by: dict[tuple[str, str], Any] = {(each.node, each.kind): each for each in spans}
    chain = ("app", "client"), ("gateway", "server"), ("gateway", "client")
    for one, other in zip(chain, [*chain[1:], ("rides", "server")], strict=True):
        assert by[one].span_id == by[other].parent_id
    assert 1 == len({span.trace_id for span in spans})


# --- screens --------------------------------------------------------------------


def test_a_screen_has_all_parts_in_their_order() -> None:
    screen = home().json()
    assert [*(part.name for part in HOME), "missing"] == list(screen)
    assert ({"bikes": 6}, []) == (screen["bikes"], screen["missing"])
    assert "Ada" == screen["rider"]["name"]


def test_parts_are_asked_for_at_once() -> None:
    async def scenario(world: SimulatedWorld) -> float:
        slow = {name: answers(after=0.5) for name in SERVICES}
        await serve_city(world, **slow)
        await get(world, "/screen/harbor", screens={"/screen/{station}": HOME})
        return world.clock.monotonic()

    assert 0.504 == pytest.approx(simulated(scenario))


@pytest.mark.parametrize(
    "weather",
    [
        answers(500, "disk full"),
        answers(404),
        answers(text="Hello World!"),
        answers(after=9),
    ],
    ids=["fails", "knows nothing of it", "answers no JSON", "is slow"],
)
def test_a_part_that_does_not_come_is_missing_and_nothing_else(weather: Any) -> None:
    reply = home(weather=weather)
    screen = reply.json()
    assert (200, None) == (reply.status_code, screen["weather"])
    assert ["weather"] == screen["missing"]


def test_a_part_that_is_null_is_not_missing() -> None:
    screen = home(weather=answers(text="null")).json()
    assert (None, []) == (screen["weather"], screen["missing"])


@pytest.mark.parametrize(
    ("riders", "status"),
    [
        (answers(500), 502),
        (answers(503, headers={"retry-after": "7"}), 503),
        (answers(after=9), 504),
        (answers(404), 404),
        (answers(409), 502),
        (answers(text="<html>"), 502),
    ],
)
def test_without_a_required_part_there_is_no_screen(riders: Any, status: int) -> None:
    reply = home({**ADA, "x-request-id": "tap-1"}, riders=riders)
    assert status == reply.status_code == reply.json()["status"]
    assert "riders is not available" == reply.json()["detail"]
    assert "tap-1" == reply.headers["x-request-id"]
    assert ("7" if status == 503 else None) == reply.headers.get("retry-after")


def test_a_mistake_of_our_own_is_no_missing_part() -> None:
    async def scenario(world: SimulatedWorld) -> tuple[int, str]:
        screens = {"/home": [Part("weather", "http://weather/{statoin}")]}
        reply = await get(world, "/home", screens=screens)
        return reply.status_code, world.node("gateway").logs[-1]

    status, log = simulated(scenario)
    assert 500 == status
    assert "KeyError: 'statoin'" in log


@pytest.mark.parametrize("station", ["%2E%2E", "harbor%3Fof%3Dbob", "harbor%23"])
def test_a_screen_s_parameter_can_not_lead_elsewhere(station: str) -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("stations", echo)
        parts = [Part("station", "http://stations/at/{station}")]
        reply = await get(world, f"/at/{station}", screens={"/at/{station}": parts})
        return reply.json()["station"]

    assert ("/at/" + station, "") == tuple(
        simulated(scenario)[key] for key in ("path", "query")
    )


# --- who comes in, and for how long ---------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer nobody-s"}])
@pytest.mark.parametrize("path", ["/screen/harbor", "/elsewhere"])
def test_nobody_comes_in_without_a_valid_token(
    headers: dict[str, str], path: str
) -> None:
    reply = home(headers, path)
    assert (401, "the token is not valid") == (
        reply.status_code,
        reply.json()["detail"],
    )
    assert "Bearer" == reply.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("asked", "passed"),
    [({}, 2000), ({"timeout-ms": "800"}, 800), ({"timeout-ms": "9000"}, 2000)]
    + [({"timeout-ms": text}, 2000) for text in ("soon", "-1", "")],
)
def test_a_service_is_told_how_long_its_caller_waits(
    asked: dict[str, str], passed: int
) -> None:
    assert str(passed) == forwarded("/rides", asked).json()["headers"]["timeout-ms"]


def test_time_that_authentication_takes_is_gone() -> None:
    async def scenario(world: SimulatedWorld) -> str:
        async def slowly(token: str) -> str:
            await world.clock.sleep(0.5)
            return "ada"

        await world.serve("rides", echo)
        routes = [Route("/rides", "rides")]
        reply = await get(world, "/rides", routes=routes, authenticate=slowly)
        return str(reply.json()["headers"]["timeout-ms"])

    assert "1500" == simulated(scenario)


def test_a_part_gets_its_own_time_or_what_is_left() -> None:
    async def scenario(world: SimulatedWorld) -> list[str]:
        await world.serve("stations", echo)
        parts = [Part("a", "http://stations/", 0.3), Part("b", "http://stations/", 5)]
        screen = (await get(world, "/at", screens={"/at": parts})).json()
        return [screen[name]["headers"]["timeout-ms"] for name in "ab"]

    assert ["300", "2000"] == simulated(scenario)


def test_errors_of_the_inside_are_in_the_log_alone() -> None:
    async def scenario(world: SimulatedWorld) -> tuple[str, list[str]]:
        await world.serve("rides", answers(500, "db-7.internal: disk full"))
        headers = {"x-request-id": "tap-1"}
        routes = [Route("/rides", "rides")]
        reply = await get(world, "/rides/7", headers, routes=routes)
        return json.dumps([reply.text, *reply.headers.items()]), [
            line for line in world.node("gateway").logs if "tap-1" in line
        ]

    answered, [log] = simulated(scenario)
    assert "db-7" not in answered
    assert "tap-1 http://rides/7: db-7.internal: disk full" == log
