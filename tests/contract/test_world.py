"""What every world promises: the same services behave alike in each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Request, Response

from movingparts.bus import Event
from movingparts.world import (
    LocalWorld,
    Node,
    Recording,
    ServeError,
    World,
    WorldError,
    simulate,
)

Scenario = Callable[[Any], Awaitable[Any]]
Run = Callable[[Scenario], Recording]


def simulated(scenario: Scenario) -> Recording:
    return simulate(scenario, seed=7)


def local(scenario: Scenario) -> Recording:
    async def main() -> Recording:
        async with LocalWorld(seed=7) as world:
            result = await scenario(world)
            recording = world.recording
            recording.result = result
            return recording

    return asyncio.run(main())


@pytest.fixture(params=[simulated, pytest.param(local, marks=pytest.mark.slow)])
def run(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen


def pricing(node: Node) -> FastAPI:
    app = FastAPI()

    @app.get("/quote")
    async def quote(minutes: int) -> dict[str, int]:
        return {"cents": 100 + 15 * minutes}

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("the tariff is missing")

    @app.post("/slow")
    async def slow() -> dict[str, str]:
        await node.clock.sleep(0.2)
        (node.disk.path / "done").write_text("done")
        return {}

    return app


def rides(node: Node) -> FastAPI:
    app = FastAPI()

    @app.get("/ride")
    async def ride(minutes: int) -> Any:
        reply = await node.client.get(f"http://pricing/quote?minutes={minutes}")
        return reply.json()

    return app


def answering(text: str) -> Callable[[Node], FastAPI]:
    def make(node: Node) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def root() -> dict[str, str]:
            return {"says": text}

        return app

    return make


def turnstile(node: Node) -> FastAPI:
    app = FastAPI()

    @app.get("/enter")
    async def enter(response: Response) -> None:
        response.set_cookie("visit", "17")

    @app.get("/visit")
    async def visit(request: Request) -> dict[str, str]:
        return request.cookies

    return app


async def until(world: World, holds: Callable[[], bool]) -> None:
    """Wait until something holds, at most five seconds of the world's time."""
    for _ in range(500):
        if holds():
            return
        await world.clock.sleep(0.01)
    raise AssertionError("it never came to hold")


def test_a_service_is_called_by_its_name(run: Run) -> None:
    async def scenario(world: World) -> Any:
        await world.serve("pricing", pricing)
        reply = await world.client("rider").get("http://pricing/quote?minutes=4")
        return reply.status_code, reply.json()

    assert (200, {"cents": 160}) == run(scenario).result


def test_a_client_keeps_the_cookies_that_it_is_given(run: Run) -> None:
    async def scenario(world: World) -> Any:
        await world.serve("turnstile", turnstile)
        client = world.client("rider")
        visits = [(await client.get("http://turnstile/visit")).json()]
        await client.get("http://turnstile/enter")
        return [*visits, (await client.get("http://turnstile/visit")).json()]

    assert [{}, {"visit": "17"}] == run(scenario).result


def test_a_service_calls_another_through_its_node(run: Run) -> None:
    async def scenario(world: World) -> Any:
        await world.serve("pricing", pricing)
        await world.serve("rides", rides)
        return (await world.client("rider").get("http://rides/ride?minutes=2")).json()

    assert {"cents": 130} == run(scenario).result


def test_a_service_answers_at_its_url(run: Run) -> None:
    async def scenario(world: World) -> Any:
        service = await world.serve("pricing", pricing)
        reply = await world.client("rider").get(f"{service.url}/quote?minutes=1")
        return service.name, reply.json()

    assert ("pricing", {"cents": 115}) == run(scenario).result


def test_an_app_is_served_as_it_is(run: Run) -> None:
    async def scenario(world: World) -> Any:
        app = answering("an app")(world.node("maker"))
        await world.serve("plain", app)
        return (await world.client("rider").get("http://plain/")).json()

    assert {"says": "an app"} == run(scenario).result


def test_an_unknown_name_says_which_names_there_are(run: Run) -> None:
    async def scenario(world: World) -> str:
        await world.serve("pricing", pricing)
        await world.serve("rides", rides)
        with pytest.raises(httpx.ConnectError) as error:
            await world.client("rider").get("http://pricng/quote")
        return str(error.value)

    recording = run(scenario)
    expected = "no service is called 'pricng'; services here: pricing, rides"
    assert expected == recording.result
    assert [("client", "error", expected)] == [
        (span.kind, span.outcome, span.note) for span in recording.spans
    ]
    assert [] == recording.messages


def test_an_exception_in_the_app_is_a_500_and_a_line_in_its_log(run: Run) -> None:
    async def scenario(world: World) -> Any:
        service = await world.serve("pricing", pricing)
        reply = await world.client("rider").get("http://pricing/broken")
        await until(world, lambda: len(service.logs) == 2)
        return reply.status_code, [line.partition(" ")[2] for line in service.logs]

    status, logs = run(scenario).result
    assert 500 == status
    assert "GET /broken 500" == logs[0]
    assert logs[1].startswith(
        "GET /broken: ValueError: the tariff is missing (in broken"
    )


def test_a_callers_timeout_does_not_stop_the_work(run: Run) -> None:
    """The caller gives up; what it asked for is done all the same."""

    async def scenario(world: World) -> Any:
        await world.serve("pricing", pricing)
        done = world.node("pricing").disk.path / "done"
        with pytest.raises(httpx.ReadTimeout) as error:
            await world.client("rider", timeout=0.1).post("http://pricing/slow")
        before = done.exists()
        await until(world, done.exists)
        await until(world, lambda: len(world.recording.messages) == 2)
        await world.clock.sleep(0.01)
        return str(error.value), before

    recording = run(scenario)
    assert ("waited 0.1 s for a reply from pricing", False) == recording.result
    fates = [(message.kind, message.fate) for message in recording.messages]
    assert [("request", "delivered"), ("reply", "late")] == fates
    client = next(span for span in recording.spans if span.kind == "client")
    assert ("error", "read timeout") == (client.outcome, client.note)


def test_a_cancelled_caller_does_not_stop_the_work(run: Run) -> None:
    async def scenario(world: World) -> bool:
        await world.serve("pricing", pricing)
        rider = world.node("rider")
        call = rider.tasks.create_task(rider.client.post("http://pricing/slow"))
        await until(world, lambda: len(world.recording.spans) == 2)
        call.cancel()
        done = world.node("pricing").disk.path / "done"
        before = done.exists()
        await until(world, done.exists)
        return before

    assert run(scenario).result is False


def test_the_lifespan_runs_before_the_first_request_and_after_the_last(
    run: Run,
) -> None:
    async def scenario(world: World) -> list[str]:
        seen: list[str] = []

        def make(node: Node) -> FastAPI:
            @asynccontextmanager
            async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
                seen.append("startup")
                yield {"tariff": "flat"}
                seen.append("shutdown")

            app = FastAPI(lifespan=lifespan)

            @app.get("/")
            async def root() -> None:
                seen.append("request")

            return app

        service = await world.serve("pricing", make)
        await world.client("rider").get("http://pricing/")
        await service.stop()
        return seen

    assert ["startup", "request", "shutdown"] == run(scenario).result


def test_a_lifespan_that_fails_is_a_serve_error(run: Run) -> None:
    def make(node: Node) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            raise RuntimeError("no tariff")
            yield

        return FastAPI(lifespan=lifespan)

    async def scenario(world: World) -> str:
        with pytest.raises(ServeError) as error:
            await world.serve("pricing", make)
        return str(error.value)

    output = run(scenario).result
    assert output.startswith("pricing failed in its startup: RuntimeError: no tariff")


def test_serving_a_name_again_replaces_the_service(run: Run) -> None:
    async def scenario(world: World) -> Any:
        client, answers = world.client("rider"), []
        for text in ("first", "second"):
            await world.serve("greeter", answering(text))
            answers.append((await client.get("http://greeter/")).json()["says"])
        return answers

    assert ["first", "second"] == run(scenario).result


def test_a_replaced_service_finishes_what_it_has_begun(run: Run) -> None:
    async def scenario(world: World) -> int:
        await world.serve("pricing", pricing)
        rider = world.node("rider")
        call = rider.tasks.create_task(rider.client.post("http://pricing/slow"))
        await world.clock.sleep(0.1)
        await world.serve("pricing", answering("the new one"))
        return (await call).status_code

    assert 200 == run(scenario).result


def test_a_service_that_has_stopped_refuses(run: Run) -> None:
    async def scenario(world: World) -> str:
        service = await world.serve("pricing", pricing)
        await service.stop()
        with pytest.raises(httpx.ConnectError) as error:
            await world.client("rider").get("http://pricing/quote?minutes=1")
        return str(error.value)

    recording = run(scenario)
    assert "pricing does not listen: connection refused" == recording.result
    assert ["refused"] == [message.fate for message in recording.messages]


def test_a_node_makes_ids_and_no_two_are_the_same(run: Run) -> None:
    async def scenario(world: World) -> list[str]:
        nodes = [world.node("rider"), world.node("truck")]
        return [node.new_id() for node in nodes for _ in range(2)]

    ids = run(scenario).result
    assert 4 == len(set(ids))
    assert {36} == {len(one) for one in ids}


def test_a_seed_gives_the_same_ids_again(run: Run) -> None:
    async def scenario(world: World) -> list[str]:
        return [world.node(name).new_id() for name in ("rider", "truck")]

    assert run(scenario).result == run(scenario).result


def test_the_scenarios_chance_goes_on_where_it_was(run: Run) -> None:
    async def scenario(world: World) -> list[float]:
        return [world.random.random() for _ in range(3)]

    first = run(scenario).result
    assert 3 == len(set(first))
    assert first == run(scenario).result


def test_asking_for_a_node_twice_gives_the_same_one(run: Run) -> None:
    async def scenario(world: World) -> tuple[bool, bool]:
        await world.serve("pricing", pricing)
        riders = world.node("rider") is world.node("rider")
        return riders, world.node("pricing") is world.node("pricing")

    assert (True, True) == run(scenario).result


def test_an_event_goes_from_one_service_to_another(run: Run) -> None:
    def ending(node: Node) -> FastAPI:
        app = FastAPI()

        @app.post("/rides/{number}")
        async def end(number: str) -> None:
            event = Event(number, "/rides", "RideEnded", data={"minutes": 7})
            await node.bus.publish("rides.ended", event)

        return app

    async def scenario(world: World) -> Any:
        received: list[Event] = []

        def billing(node: Node) -> FastAPI:
            async def charge(event: Event) -> None:
                received.append(event)

            @asynccontextmanager
            async def lifespan(app: FastAPI) -> AsyncIterator[None]:
                await node.bus.subscribe("rides.*", charge)
                yield

            return FastAPI(lifespan=lifespan)

        await world.serve("billing", billing)
        await world.serve("rides", ending)
        await world.client("rider").post("http://rides/rides/r-1")
        await until(world, lambda: len(received) == 1)
        return [(event.id, event.type, event.data) for event in received]

    recording = run(scenario)
    assert [("r-1", "RideEnded", {"minutes": 7})] == recording.result
    events = [m for m in recording.messages if m.kind == "event"]
    links = [("rides", "bus"), ("bus", "billing")]
    assert links == [(event.source, event.target) for event in events]
    assert 1 == len({m.trace_id for m in recording.messages}), (
        "one trace from end to end"
    )


def test_a_stopped_service_receives_nothing_more(run: Run) -> None:
    async def scenario(world: World) -> list[str]:
        received: list[str] = []

        def listener(node: Node) -> FastAPI:
            async def handle(event: Event) -> None:
                received.append(f"{node.name} {event.id}")

            @asynccontextmanager
            async def lifespan(app: FastAPI) -> AsyncIterator[None]:
                await node.bus.subscribe("rides.ended", handle)
                yield

            return FastAPI(lifespan=lifespan)

        one = await world.serve("one", listener)
        await world.serve("two", listener)
        await one.stop()
        await world.node("rider").bus.publish(
            "rides.ended", Event("1", "/r", "RideEnded")
        )
        await until(world, lambda: len(received) > 0)
        return received

    assert ["two 1"] == run(scenario).result


def test_the_disk_outlives_the_service(run: Run) -> None:
    def counting(node: Node) -> FastAPI:
        disk = node.disk.connect()
        disk.execute("CREATE TABLE IF NOT EXISTS visits (number INTEGER)")
        app = FastAPI()

        @app.post("/")
        async def visit() -> int:
            with disk:
                disk.execute("INSERT INTO visits VALUES (1)")
            return int(disk.execute("SELECT count(*) FROM visits").fetchone()[0])

        return app

    async def scenario(world: World) -> list[int]:
        counts = []
        for _ in range(2):
            service = await world.serve("counter", counting)
            counts.append((await world.client("rider").post("http://counter/")).json())
            await service.stop()
        return counts

    assert [1, 2] == run(scenario).result


def test_the_recording_has_each_request_with_its_reply_in_one_trace(run: Run) -> None:
    async def scenario(world: World) -> None:
        await world.serve("pricing", pricing)
        await world.serve("rides", rides)
        await world.client("rider").get("http://rides/ride?minutes=2")

    recording = run(scenario)
    asked, onward, answer, back = recording.messages
    expected = [
        ("request", "rider", "rides", "GET /ride", None),
        ("request", "rides", "pricing", "GET /quote", None),
        ("reply", "pricing", "rides", "GET /quote", 200),
        ("reply", "rides", "rider", "GET /ride", 200),
    ]
    rows = [(m.kind, m.source, m.target, m.label, m.status) for m in recording.messages]
    assert expected == rows
    assert {"delivered"} == {message.fate for message in recording.messages}
    assert (onward.id, asked.id) == (answer.answers, back.answers)
    assert 1 == len({message.trace_id for message in recording.messages})
    times = [t for m in recording.messages for t in (m.sent_us, m.arrived_us or -1)]
    assert asked.sent_us == min(times)
    assert back.arrived_us == max(times)
    kinds = {"rider": "caller", "rides": "service", "pricing": "service"}
    members = {member.name: member.kind for member in recording.nodes}
    assert kinds == {name: members[name] for name in members if name != "bus"}


def test_spans_lead_from_the_caller_to_the_last_service(run: Run) -> None:
    async def scenario(world: World) -> None:
        await world.serve("pricing", pricing)
        await world.serve("rides", rides)
        await world.client("rider").get("http://rides/ride?minutes=2")

    spans = {(span.kind, span.node): span for span in run(scenario).spans}
    path = [("client", "rider"), ("server", "rides")]
    path += [("client", "rides"), ("server", "pricing")]
    assert path == list(spans)
    parents = [spans[step].parent_id for step in path]
    assert ["", *(spans[step].span_id for step in path[:-1])] == parents
    assert {"ok"} == {span.outcome for span in spans.values()}


def test_what_the_recording_says_survives_json(run: Run) -> None:
    async def scenario(world: World) -> None:
        await world.serve("pricing", pricing)
        await world.client("rider").get("http://pricing/quote?minutes=1")

    recording = run(scenario)
    assert recording == Recording.from_json(recording.to_json())


def sync_endpoint(node: Node) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def blocks() -> None:
        return

    return app


def sync_dependency(node: Node) -> FastAPI:
    def blocks() -> int:
        return 1

    app = FastAPI()

    @app.get("/")
    async def root(number: int = Depends(blocks)) -> int:
        return number

    return app


@pytest.mark.parametrize("factory", [sync_endpoint, sync_dependency])
def test_a_function_that_would_need_a_thread_is_refused_by_name(
    run: Run, factory: Callable[[Node], FastAPI]
) -> None:
    async def scenario(world: World) -> str:
        with pytest.raises(ServeError) as error:
            await world.serve("pricing", factory)
        return str(error.value)

    output = run(scenario).result
    assert "`blocks` is `def`; make it `async def`" in output


@pytest.mark.parametrize(
    ("given", "output"),
    [
        (42, "pricing cannot be served from 42: give a factory"),
        (lambda node: 42, "pricing's factory returned int, not a FastAPI app"),
    ],
)
def test_what_is_no_factory_is_refused(run: Run, given: Any, output: str) -> None:
    async def scenario(world: World) -> str:
        with pytest.raises(ServeError) as error:
            await world.serve("pricing", given)
        return str(error.value)

    assert run(scenario).result.startswith(output)


def test_a_service_that_cannot_start_leaves_the_old_one_in_place(run: Run) -> None:
    async def scenario(world: World) -> Any:
        await world.serve("pricing", pricing)
        with pytest.raises(ServeError):
            await world.serve("pricing", sync_endpoint)
        return (
            await world.client("rider").get("http://pricing/quote?minutes=1")
        ).json()

    assert {"cents": 115} == run(scenario).result


@pytest.mark.parametrize("name", ["bus", "Pricing", "two words", "", "pri.cing"])
def test_a_name_that_cannot_be_in_an_address_is_refused(run: Run, name: str) -> None:
    async def scenario(world: World) -> str:
        with pytest.raises(WorldError) as error:
            await world.serve(name, pricing)
        return str(error.value)

    assert run(scenario).result.startswith(f"{name!r} cannot name a service")


def test_background_work_goes_on_after_the_reply(run: Run) -> None:
    async def scenario(world: World) -> Any:
        done: list[str] = []

        def make(node: Node) -> FastAPI:
            app = FastAPI()

            async def later() -> None:
                await node.clock.sleep(0.05)
                done.append("later")

            @app.post("/")
            async def begin(tasks: BackgroundTasks) -> None:
                tasks.add_task(later)

            return app

        await world.serve("worker", make)
        reply = await world.client("rider").post("http://worker/")
        before = list(done)
        await until(world, lambda: bool(done))
        return reply.status_code, before, done

    assert (200, [], ["later"]) == run(scenario).result


# --- the end of a world, while something runs -----------------------------------------
# Besides what they assert, these tests fail by tests/conftest.py if asyncio logs an
# error: nobody has to see a traceback because a world was closed in the middle of work.


@pytest.mark.parametrize("kind", ["event", "queue", "durable", "request", "task"])
def test_a_world_may_end_while_a_handler_runs(
    run: Run, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("movingparts.bus.nats.CLOSE_TIMEOUT", 0.05)
    ends: list[str] = []

    async def scenario(world: World) -> list[str]:
        began = asyncio.Event()

        async def endless(_: Event | None = None) -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ends.append(kind)

        rides, billing = world.node("rides"), world.node("billing")
        options = {kind: "billing"} if kind in ("queue", "durable") else {}
        if kind == "durable":
            await rides.bus.stream("rides", "rides.>")
        await billing.bus.subscribe("rides.ended", endless, **options)
        if kind == "task":
            billing.tasks.create_task(endless())
        elif kind == "request":
            rides.tasks.create_task(
                rides.bus.request("rides.ended", Event("1", "/rides", "X"), timeout=60)
            )
        else:
            await rides.bus.publish("rides.ended", Event("1", "/rides", "RideEnded"))
        await began.wait()
        return billing.logs

    recording = run(scenario)
    assert [kind] == ends
    if recording.world == "local" and kind != "task":
        [line] = recording.result
        assert "closing the bus: TimeoutError: a handler took more than 0.05 s" in line


def test_a_request_is_answered_even_where_its_service_was_not_given_time_to_stop(
    run: Run,
) -> None:
    async def scenario(world: World) -> int:
        service = await world.serve("pricing", pricing)
        rider = world.node("rider")
        call = rider.tasks.create_task(rider.client.post("http://pricing/slow"))
        await until(world, lambda: len(world.recording.spans) == 2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await service.stop()
        return (await call).status_code

    # A simulated service finishes the request, uvicorn ends it.
    assert run(scenario).result in (200, 500)
