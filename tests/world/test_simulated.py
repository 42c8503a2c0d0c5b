"""The simulated world: what its network, its crashes and its time promise."""

import asyncio
import os
import subprocess
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from movingparts.world import (
    LogNormal,
    Node,
    ScenarioStuck,
    ServeError,
    SimulatedWorld,
    WorldError,
    simulate,
)
from movingparts.world.simulated import scratch
from tests.world.busy_morning import billing, busy_morning, charged, digest, outcome


def test_a_lost_request_and_a_lost_reply_look_the_same_to_the_caller() -> None:
    """The lesson of chapter 01: one was charged, the other was not."""

    async def scenario(world: SimulatedWorld, kind: str) -> tuple[str, int]:
        await world.serve("billing", billing)
        world.network.lose("*", "*", kind=kind)
        seen = await outcome(world, "/charges/r1")
        return seen, await charged(world)

    lost_request = simulate(lambda world: scenario(world, "request"), seed=1).result
    lost_reply = simulate(lambda world: scenario(world, "reply"), seed=1).result
    assert ("ReadTimeout", 0) == lost_request
    assert ("ReadTimeout", 1) == lost_reply


def test_a_callers_timeout_does_not_cancel_the_work() -> None:
    """The request runs in a task of the callee's."""

    async def scenario(world: SimulatedWorld) -> tuple[str, int]:
        await world.serve("billing", billing)
        seen = await outcome(world, "/charges/r1", timeout=0.005)
        await world.clock.sleep(1)
        return seen, await charged(world)

    recording = simulate(scenario, seed=1)
    assert ("ReadTimeout", 1) == recording.result
    assert ["late"] == [
        m.fate
        for m in recording.messages
        if m.kind == "reply" and m.fate != "delivered"
    ]


def test_timeouts_hold_in_virtual_time() -> None:
    """A read timeout ends after exactly its seconds; so does a connect timeout."""

    async def scenario(world: SimulatedWorld) -> list[float]:
        await world.serve("billing", billing)
        world.network.lose(kind="request")
        spent = []
        for cut in (False, True):
            if cut:
                world.network.partition("rider", "billing")
            begun = world.clock.monotonic()
            await outcome(world, "/charges/r1", timeout=0.25)
            spent.append(round(world.clock.monotonic() - begun, 6))
        return spent

    assert [0.25, 0.25] == simulate(scenario, seed=1).result


def test_a_partition_is_a_connect_timeout_and_heals() -> None:
    """Nothing of the call happened: a definite error."""

    async def scenario(world: SimulatedWorld) -> list[object]:
        await world.serve("billing", billing)
        world.network.partition(["rider"], ["billing"])
        first = await outcome(world, "/charges/r1")
        world.network.heal()
        return [first, await outcome(world, "/charges/r1"), await charged(world)]

    assert ["ConnectTimeout", "200", 1] == simulate(scenario, seed=1).result


def test_a_partition_in_mid_call_blocks_the_reply() -> None:
    """What is under way when the cut comes does not arrive."""

    async def scenario(world: SimulatedWorld) -> str:
        await world.serve("billing", billing)
        call = asyncio.create_task(outcome(world, "/charges/r1"))
        await world.clock.sleep(0.005)
        world.network.partition("rider", "billing")
        return await call

    recording = simulate(scenario, seed=1)
    assert "ReadTimeout" == recording.result
    assert ["delivered", "blocked"] == [m.fate for m in recording.messages]


def test_duplication_runs_the_work_twice() -> None:
    """The caller sees one reply; the second is late."""

    async def scenario(world: SimulatedWorld) -> tuple[str, int]:
        await world.serve("billing", billing)
        world.network.duplicate(kind="request")
        seen = await outcome(world, "/charges/r1")
        await world.clock.sleep(1)
        return seen, await charged(world)

    assert ("200", 2) == simulate(scenario, seed=1).result


def test_bandwidth_makes_large_messages_wait_in_line() -> None:
    """Two bodies of 1,000 bytes over 10,000 bytes a second: 0.1 s, then 0.2 s."""

    def sink(node: Node) -> FastAPI:
        app = FastAPI()

        @app.post("/")
        async def take() -> float:
            return node.clock.monotonic()

        return app

    async def scenario(world: SimulatedWorld) -> list[float]:
        await world.serve("sink", sink)
        world.network.link("rider", "sink", latency=0.0, bandwidth=10_000)
        client = world.client("rider")
        calls = [
            asyncio.create_task(client.post("http://sink/", content=b"x" * 1000))
            for _ in range(2)
        ]
        return [float((await call).json()) for call in calls]

    assert [0.1, 0.2] == simulate(scenario, seed=1).result


def test_reordering_lets_a_later_call_pass() -> None:
    """With a fixed latency, calls arrive in order unless the network holds one."""

    def order(world: SimulatedWorld) -> list[int]:
        sent = [m for m in world.recording.messages if m.kind == "request"]
        return [m.id for m in sorted(sent, key=lambda m: (m.arrived_us or 0, m.id))]

    async def scenario(world: SimulatedWorld, reorder: float) -> bool:
        await world.serve("billing", billing)
        world.network.everywhere(reorder=reorder)
        calls = []
        for number in range(30):
            path = f"/charges/r{number}"
            calls.append(asyncio.create_task(outcome(world, path)))
            await world.clock.sleep(0.0001)
        for call in calls:
            await call
        ids = order(world)
        return ids == sorted(ids)

    assert simulate(lambda world: scenario(world, 0.0), seed=3).result
    assert not simulate(lambda world: scenario(world, 0.3), seed=3).result


def test_an_unknown_name_says_which_names_there_are() -> None:
    """A typing error is found at once."""

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("billing", billing)
        await world.client("rider").get("http://biling/charges")

    with pytest.raises(httpx.ConnectError) as raised:
        simulate(scenario, seed=1)
    assert "no service is called 'biling'; services here: billing" == str(raised.value)


def test_an_exception_in_the_app_is_a_500_and_a_line_in_the_log() -> None:
    """The caller never sees the callee's exception."""

    async def scenario(world: SimulatedWorld) -> tuple[int, list[str]]:
        service = await world.serve("billing", billing)
        reply = await world.client("rider").get("http://billing/boom")
        return reply.status_code, service.logs

    status, logs = simulate(scenario, seed=1).result
    assert 500 == status
    assert "ValueError: the tariff is missing (in boom" in logs[-1]


def test_a_crash_rolls_back_closes_connections_and_fences() -> None:
    """The caller sees the connection close; the half-done charge is gone."""
    reached: list[str] = []

    def stubborn(node: Node) -> FastAPI:
        app = FastAPI()

        @app.post("/work")
        async def work() -> None:
            try:
                await node.clock.sleep(5)
            finally:
                reached.append("finally")
                await node.client.post("http://billing/charges/ghost")
                reached.append("beyond the fence")

        return app

    async def scenario(world: SimulatedWorld) -> list[object]:
        await world.serve("billing", billing)
        await world.serve("stubborn", stubborn)
        client = world.client("rider", timeout=None)
        half = asyncio.create_task(outcome(world, "/half/r1", timeout=10))
        work = asyncio.create_task(client.post("http://stubborn/work"))
        await world.clock.sleep(0.1)
        world.network.crash("billing")
        world.network.crash("stubborn")
        with pytest.raises(httpx.RemoteProtocolError):
            await work
        down = await outcome(world, "/charges/r2")
        await world.network.restart("billing")
        return [await half, down, await charged(world)]

    recording = simulate(scenario, seed=1)
    assert ["RemoteProtocolError", "ConnectError", 0] == recording.result
    assert ["finally"] == reached
    assert not [m for m in recording.messages if "ghost" in m.label]


def test_a_restart_runs_the_factory_again_on_the_same_disk() -> None:
    """Memory is gone, what was committed is there."""
    made = []

    def counted(node: Node) -> FastAPI:
        made.append(node)
        return billing(node)

    async def scenario(world: SimulatedWorld) -> int:
        await world.serve("billing", counted)
        await outcome(world, "/charges/r1")
        world.network.crash("billing")
        await world.network.restart("billing")
        return await charged(world)

    assert 1 == simulate(scenario, seed=1).result
    assert 2 == len(made)
    assert made[0] is not made[1]


def test_a_bare_app_cannot_be_restarted() -> None:
    """Its memory would outlive the crash, which would teach the opposite."""

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("plain", FastAPI())
        world.network.crash("plain")
        await world.network.restart("plain")

    with pytest.raises(WorldError, match="serve it from a factory"):
        simulate(scenario, seed=1)


@pytest.mark.parametrize(
    ("name", "says"),
    [("bus", "cut nodes off from it"), ("biling", "services here: billing")],
)
def test_what_cannot_crash_says_what_can(name, says) -> None:
    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("billing", billing)
        world.network.crash(name)

    with pytest.raises(WorldError, match=says):
        simulate(scenario, seed=1)


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"loss": 1.5}, "probability"),
        ({"latency": -1}, "number of seconds"),
        ({"bandwidth": 0}, "bytes per second"),
        ({"jitter": 1}, "a link has no 'jitter'"),
    ],
)
def test_bad_conditions_are_refused_when_they_are_set(conditions, says) -> None:
    async def scenario(world: SimulatedWorld) -> None:
        world.network.link("a", "b", **conditions)

    with pytest.raises((ValueError, TypeError), match=says):
        simulate(scenario, seed=1)


def test_lifespan_runs_and_its_state_reaches_requests() -> None:
    """Startup before the first request, shutdown at stop."""
    from contextlib import asynccontextmanager

    from fastapi import Request

    seen: list[str] = []

    def tram(node: Node) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI):
            seen.append("startup")
            yield {"line": 7}
            seen.append("shutdown")

        app = FastAPI(lifespan=lifespan)

        @app.get("/line")
        async def line(request: Request) -> int:
            return int(request.state.line)

        return app

    async def scenario(world: SimulatedWorld) -> int:
        service = await world.serve("tram", tram)
        reply = await world.client("rider").get("http://tram/line")
        await service.stop()
        return int(reply.json())

    assert 7 == simulate(scenario, seed=1).result
    assert ["startup", "shutdown"] == seen


def test_a_failing_startup_is_a_serve_error_with_its_reason() -> None:
    """The scenario hears at once why the service is not there."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        raise RuntimeError("no tariff file")
        yield

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("billing", FastAPI(lifespan=lifespan))

    with pytest.raises(ServeError, match=r"startup: RuntimeError: no tariff file"):
        simulate(scenario, seed=1)


def test_serving_a_name_again_replaces_and_loses_no_request() -> None:
    """The old one finishes what it has begun, the new one takes what comes."""

    async def scenario(world: SimulatedWorld) -> list[str]:
        await world.serve("billing", billing)
        calls = []
        for number in range(40):
            if number == 20:
                await world.serve("billing", billing)
            path = f"/charges/r{number}"
            calls.append(asyncio.create_task(outcome(world, path)))
            await world.clock.sleep(0.001)
        return [await call for call in calls]

    assert ["200"] * 40 == simulate(scenario, seed=1).result


def sync_endpoint() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def slow() -> None: ...

    return app


def sync_dependency() -> FastAPI:
    app = FastAPI()

    def slow() -> None: ...

    @app.get("/")
    async def fine(needed: None = Depends(slow)) -> None: ...

    return app


def sync_handler() -> FastAPI:
    app = FastAPI()

    @app.exception_handler(ValueError)
    def slow(request: object, error: Exception) -> None: ...

    return app


def sync_in_a_router() -> FastAPI:
    from fastapi import APIRouter

    app, router = FastAPI(), APIRouter()

    @router.get("/x")
    def slow() -> None: ...

    app.include_router(router, prefix="/v1")
    return app


def sync_in_a_mount() -> FastAPI:
    app = FastAPI()
    app.mount("/sub", sync_endpoint())
    return app


@pytest.mark.parametrize(
    "make",
    [sync_endpoint, sync_dependency, sync_handler, sync_in_a_router, sync_in_a_mount],
)
def test_a_function_that_needs_a_thread_is_refused_by_name(make) -> None:
    """The thread pool has no virtual time."""

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("slow", make())

    with pytest.raises(ServeError, match=r"`slow` is `def`; make it `async def`"):
        simulate(scenario, seed=1)


def test_a_sync_background_task_ends_the_run_by_name() -> None:
    """It can only be found when it starts."""
    app = FastAPI()

    def slow() -> None: ...

    @app.post("/")
    async def later(tasks: BackgroundTasks) -> None:
        tasks.add_task(slow)

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("plain", app)
        await world.client("rider").post("http://plain/")
        await world.clock.sleep(1)

    with pytest.raises(ServeError, match="`slow` is `def`"):
        simulate(scenario, seed=1)


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        (7, "give a factory"),
        (lambda node: None, "returned NoneType, not a FastAPI app"),
    ],
)
def test_what_is_no_factory_is_refused(factory, says) -> None:
    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("odd", factory)

    with pytest.raises(ServeError, match=says):
        simulate(scenario, seed=1)


def test_an_async_factory_is_refused() -> None:
    async def make(node: Node) -> FastAPI:
        return FastAPI()

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("odd", make)

    with pytest.raises(ServeError, match="make it `def`"):
        simulate(scenario, seed=1)


@pytest.mark.parametrize("name", ["bus", "Rides", "", "a b", "ä"])
def test_a_bad_name_is_refused(name) -> None:
    async def scenario(world: SimulatedWorld) -> None:
        await world.serve(name, FastAPI())

    with pytest.raises(WorldError, match="cannot name a service"):
        simulate(scenario, seed=1)


def test_a_scenario_that_cannot_go_on_says_who_waits_for_what() -> None:
    """Nothing ready, nothing scheduled: a deadlock, named."""

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("billing", billing)
        world.network.lose(kind="reply")
        await world.client("rider", timeout=None).get("http://billing/charges")

    with pytest.raises(ScenarioStuck) as raised:
        simulate(scenario, seed=1)
    text = str(raised.value)
    assert text.startswith("nothing can happen any more at 0.001 s")
    assert '.get("http://billing/charges")' in text.splitlines()[1]
    assert 2 == len(text.splitlines())


def test_until_ends_a_run_that_would_go_on_forever() -> None:
    """Also over days without an event."""

    async def scenario(world: SimulatedWorld) -> None:
        while True:
            await world.clock.sleep(3 * 86_400)

    recording = simulate(scenario, seed=1, until=30 * 86_400)
    assert 30 * 86_400_000_000 == recording.duration_us
    assert ["until"] == [moment.kind for moment in recording.moments]
    assert recording.result is None


def test_the_scenarios_own_timeout_is_not_taken_for_until() -> None:
    async def scenario(world: SimulatedWorld) -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        simulate(scenario, seed=1, until=5)


def test_the_clock_is_utc_and_aware() -> None:
    async def scenario(world: SimulatedWorld) -> datetime:
        await world.clock.sleep(60)
        return world.node("rider").clock.now()

    now = simulate(scenario, seed=1).result
    assert datetime(2031, 5, 5, 6, 1, tzinfo=UTC) == now


def test_timers_of_one_microsecond_run_in_the_order_of_their_making() -> None:
    """A bare heap of timers would not keep it."""

    async def scenario(world: SimulatedWorld) -> list[int]:
        order: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(50):
            loop.call_later(0.1 + 0.2 if number % 2 else 0.3, order.append, number)
        await world.clock.sleep(1)
        return order

    assert list(range(50)) == simulate(scenario, seed=1).result


def test_a_callers_context_does_not_leak_across_the_network() -> None:
    """What a caller keeps in a context variable is not the callee's to see."""
    who: ContextVar[str] = ContextVar("who", default="nobody")

    def spy(node: Node) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def look() -> str:
            return who.get()

        return app

    async def scenario(world: SimulatedWorld) -> str:
        await world.serve("spy", spy)
        who.set("the caller")
        return str((await world.client("rider").get("http://spy/")).json())

    assert "nobody" == simulate(scenario, seed=1).result


def test_spans_form_a_trace_across_services() -> None:
    """Client and server spans of one ride share a trace; parents are set."""

    def front(node: Node) -> FastAPI:
        app = FastAPI()

        @app.post("/")
        async def go() -> int:
            reply = await node.client.post("http://billing/charges/r1")
            return int(reply.json())

        return app

    async def scenario(world: SimulatedWorld) -> None:
        await world.serve("billing", billing)
        await world.serve("front", front)
        await world.client("rider").post("http://front/")

    spans = simulate(scenario, seed=1).spans
    assert ["client", "server", "client", "server"] == [span.kind for span in spans]
    assert 1 == len({span.trace_id for span in spans})
    assert [span.span_id for span in spans[:-1]] == [s.parent_id for s in spans[1:]]


def test_a_failed_background_task_is_in_the_log() -> None:
    def worker(node: Node) -> FastAPI:
        async def work() -> None:
            raise RuntimeError("out of paper")

        app = FastAPI()

        @app.post("/")
        async def start() -> None:
            node.tasks.create_task(work(), name="receipts")

        return app

    async def scenario(world: SimulatedWorld) -> list[str]:
        service = await world.serve("worker", worker)
        await world.client("rider").post("http://worker/")
        return service.logs

    logs = simulate(scenario, seed=1).result
    assert any("receipts: RuntimeError: out of paper" in line for line in logs)


# Changes only with a change of what a world does; then say so in the changelog.
MORNING = "a52e8d150a1b19fffbf7a152440967f8779fe43217c37b58af1c081f3f9fc4fd"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    """Also under another hash seed, and from inside a running loop."""
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from movingparts.world import simulate\n"
        "from tests.world.busy_morning import busy_morning, digest\n"
        "print(digest(simulate(busy_morning, seed=11)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )

    async def nested() -> str:
        return digest(simulate(busy_morning, seed=11))

    first = digest(simulate(busy_morning, seed=11))
    assert [MORNING] * 3 == [first, run.stdout.strip(), asyncio.run(nested())]


def test_another_seed_gives_another_run() -> None:
    assert digest(simulate(busy_morning, seed=11)) != digest(
        simulate(busy_morning, seed=12)
    )


def test_a_message_more_on_one_link_does_not_change_another() -> None:
    """Each link draws from streams of its own."""

    async def scenario(world: SimulatedWorld, extra: bool) -> list[int | None]:
        await world.serve("billing", billing)
        world.network.everywhere(latency=LogNormal(median=0.004, p99=0.060))
        if extra:
            await world.client("auditor").get("http://billing/charges")
        begun = world.clock.time_us()
        await outcome(world, "/charges/r1")
        mine = [m for m in world.recording.messages if "rider" in (m.source, m.target)]
        return [m.arrived_us and m.arrived_us - begun for m in mine]

    with_extra = simulate(lambda world: scenario(world, True), seed=5).result
    assert with_extra == simulate(lambda world: scenario(world, False), seed=5).result


def test_a_fault_can_be_left_out_by_its_key() -> None:
    """Which is how a checker shrinks a counterexample."""

    async def scenario(world: SimulatedWorld) -> str:
        await world.serve("billing", billing)
        world.network.lose(kind="reply")
        world.network.partition("auditor", "billing")
        return await outcome(world, "/charges/r1")

    bad = simulate(scenario, seed=1)
    assert "ReadTimeout" == bad.result
    keys = [fault.key for fault in bad.faults]
    assert "billing>rider:reply#1:lost" == keys[-1]
    assert "200" == simulate(scenario, seed=1, without=keys[-1:]).result


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), loss=st.floats(0, 0.4))
def test_what_the_caller_knows_is_never_wrong(seed: int, loss: float) -> None:
    """200 means charged; a connect error means not charged; a timeout means neither."""

    async def scenario(world: SimulatedWorld) -> bool:
        await world.serve("billing", billing)
        world.network.everywhere(loss=loss)
        sure = unsure = 0
        for number in range(8):
            seen = await outcome(world, f"/charges/r{number}", timeout=0.1)
            sure += seen == "200"
            unsure += seen == "ReadTimeout"
        world.network.everywhere(loss=0.0)
        return sure <= await charged(world) <= sure + unsure

    assert simulate(scenario, seed=seed).result


def test_a_task_that_swallows_its_cancellation_does_not_hang_the_run() -> None:
    async def scenario(world: SimulatedWorld) -> str:
        async def stubborn() -> None:
            while True:
                try:
                    await asyncio.sleep(1)
                except asyncio.CancelledError:
                    continue

        world.node("rider").tasks.create_task(stubborn())
        await world.clock.sleep(5)
        return "done"

    assert "done" == simulate(scenario, seed=1).result


@pytest.mark.skipif(
    os.name != "posix", reason="Windows cannot be asked for a pid: run on Linux, macOS"
)
def test_folders_of_killed_processes_are_removed_by_the_next(
    tmp_path, monkeypatch
) -> None:
    """Nothing can clean up after kill -9 but who comes next."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed = subprocess.Popen([sys.executable, "-c", "pass"])
    killed.wait()
    stale = tmp_path / f"movingparts-simulated-{killed.pid}-x"
    mine = tmp_path / f"movingparts-simulated-{os.getpid()}-x"
    other = tmp_path / "movingparts-simulated-notes"
    for folder in (stale, mine, other):
        folder.mkdir()
    fresh = scratch()
    assert [False, True, True, True] == [
        folder.exists() for folder in (stale, mine, other, fresh)
    ]


def test_no_folder_is_left_behind() -> None:
    async def scenario(world: SimulatedWorld):
        await world.serve("billing", billing)
        path = world.node("billing").disk.path
        assert path.is_dir()
        return path

    assert not simulate(scenario, seed=1).result.exists()
