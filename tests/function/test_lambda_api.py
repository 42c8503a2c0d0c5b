"""AWS's own runtime: how it words errors, and how it ends.

What it has in common with our backends is in tests/contract/test_function.py.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from movingparts.function import Platform, SimulatedBackend, lambda_backend
from movingparts.function.contract import (
    Code,
    Config,
    FunctionError,
    InitError,
    Request,
    Result,
)
from movingparts.function.lambda_api import ROOT, Environment, runtime_api
from movingparts.function.lambda_backend import LambdaBackend, LambdaInstance
from movingparts.world import LocalWorld, SimulatedWorld, simulate
from movingparts.world.local.clock import RealClock
from movingparts.world.local.watchdog import PREFIX

Outcome = tuple[str, Any, str]

linux = pytest.mark.skipif(
    sys.platform != "linux",
    reason="awslambdaric has wheels for Linux alone: run `make test` there",
)
pytestmark = [pytest.mark.slow, linux]

FARES = """
import os, time

count = 0

def handler(event, context):
    global count
    count += 1
    match event:
        case "refuse":
            raise ValueError("no such plan")
        case "a set":
            return {1, 2}
        case "loop":
            while True:
                pass
        case "exit":
            os._exit(3)
        case "fill":
            return len(bytearray(2**30))
        case "leave a child":
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
    return {"cents": 100 + event["minutes"] * 15, "count": count}
"""
ABOUT = """
import os

def handler(event, context):
    return {
        "id": context.aws_request_id,
        "function": context.function_name,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "in time": 0 < context.get_remaining_time_in_millis() <= 30_000,
        "variables": sorted(name for name in os.environ if "AWS" not in name),
        "folder": os.getcwd(),
    }
"""


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Whatever a test does, it leaves no process and no folder."""
    children, before = set(psutil.Process().children()), folders()
    yield
    assert set() == set(psutil.Process().children()) - children
    assert set() == folders() - before


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"{PREFIX}lambda-*"))


def code(source: str = FARES, **config: Any) -> Code:
    wanted = Config(**{"timeout": 30.0, **config})
    return Code("fares", 3, source, wanted, {"PLAN": "day"})


def running(
    scenario: Callable[[LambdaInstance], Awaitable[Any]],
    source: str = FARES,
    **config: Any,
) -> Any:
    """Run a scenario with one instance; return what it returned."""

    async def main() -> Any:
        instance = await LambdaBackend(RealClock()).start(code(source, **config))
        try:
            return await scenario(instance)
        finally:
            await instance.close()

    return asyncio.run(main())


def test_a_handler_that_raises_is_an_error_and_the_instance_goes_on() -> None:
    async def scenario(instance: LambdaInstance) -> list[Result]:
        events = ("refuse", "a set", {"minutes": 0})
        return [await instance.run(Request("1", event)) for event in events]

    refused, unmarshalled, after = running(scenario)
    assert Result("error", error="ValueError: no such plan") == refused
    assert ("error", True) == (unmarshalled.status, unmarshalled.alive)
    assert "set is not JSON serializable" in unmarshalled.error
    assert Result("ok", {"cents": 100, "count": 3}) == after


@pytest.mark.parametrize(
    ("event", "result"),
    [
        ("exit", Result("killed", error="its process is gone: code 3", alive=False)),
        ("loop", Result("timeout", error="over 0.5 s", alive=False)),
        ("fill", Result("memory", error="out of memory", alive=False)),
        (
            "leave a child",
            Result("killed", error="its process is gone: code 0", alive=False),
        ),
    ],
)
def test_an_instance_that_ends_is_reported_as_such(event: str, result: Result) -> None:
    async def scenario(instance: LambdaInstance) -> Result:
        return await instance.run(Request("1", event))

    assert result == running(scenario, timeout=0.5 if event == "loop" else 30.0)


def test_a_killed_instance_is_reported_as_such() -> None:
    async def scenario(instance: LambdaInstance) -> Result:
        work = asyncio.create_task(instance.run(Request("1", "loop")))
        await asyncio.sleep(0)
        (process,) = workers()
        process.send_signal(signal.SIGKILL)
        return await work

    killed = "its process is gone: SIGKILL"
    assert Result("killed", error=killed, alive=False) == running(scenario)


def workers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if "awslambdaric" in child.cmdline()
    ]


def test_a_child_that_outlives_its_instance_is_ended() -> None:
    async def scenario(instance: LambdaInstance) -> int:
        (process,) = workers()
        await instance.run(Request("1", "leave a child"))
        return process.pid

    session = running(scenario)
    assert within_ten_seconds(lambda: not alive_in(session))


def within_ten_seconds(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold: what is killed takes a moment to be gone."""
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def alive_in(session: int) -> list[int]:
    return [pid for pid in psutil.pids() if session_of(pid) == session and alive(pid)]


def session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise ValueError('no bank')", "ValueError: no bank"),
        ("import os; os._exit(5)", "its process is gone: code 5"),
        ("x = (", "Syntax error in module"),
        ("def other(event, context): ...", "Handler 'handler' missing"),
    ],
)
def test_a_source_that_does_not_start_is_an_init_error(source: str, why: str) -> None:
    async def scenario(_: LambdaInstance) -> None: ...

    with pytest.raises(InitError, match=why):
        running(scenario, source)


def test_a_source_that_takes_too_long_to_start_is_an_init_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(_: LambdaInstance) -> None: ...

    monkeypatch.setattr(lambda_backend, "INIT", 0.3)
    with pytest.raises(InitError, match=r"did not start within 0\.3 s"):
        running(scenario, "while True: pass")


def test_a_handler_sees_its_context_and_no_more_than_its_environment() -> None:
    async def scenario(instance: LambdaInstance) -> Any:
        return (await instance.run(Request("fares /rides 7", None))).value

    seen = running(scenario, ABOUT, memory_mb=512)
    assert seen.pop("folder").rpartition("/")[2].startswith(f"{PREFIX}lambda-")
    assert {
        "id": "fares%20/rides%207",
        "function": "fares",
        "version": "3",
        "memory": "512",
        "in time": True,
        "variables": ["LC_CTYPE", "PLAN"],  # Python sets the first by itself
    } == seen


def test_lambda_does_not_run_an_async_handler() -> None:
    async def scenario(instance: LambdaInstance) -> Result:
        return await instance.run(Request("1", None))

    result = running(scenario, "async def handler(event, context): return 1")
    assert "coroutine is not JSON serializable" in result.error


def test_an_instance_takes_one_request_at_a_time() -> None:
    with pytest.raises(FunctionError, match="one request at a time, not 2"):
        asyncio.run(LambdaBackend(RealClock()).start(code(concurrency=2)))


def test_without_the_package_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lambda_backend, "find_spec", lambda name: None)
    with pytest.raises(FunctionError, match="with the package awslambdaric"):
        asyncio.run(LambdaBackend(RealClock()).start(code()))


def test_nothing_survives_a_kernel_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "kernel.py"
    script.write_text(KERNEL, "utf-8")
    kernel = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE)
    with kernel:
        assert kernel.stdout is not None
        pid, folder = kernel.stdout.readline().decode().split()
        assert psutil.pid_exists(int(pid))
        kernel.kill()
    assert within_ten_seconds(lambda: not alive(int(pid)))
    assert within_ten_seconds(lambda: not Path(folder).exists())


KERNEL = '''
import asyncio, time
from movingparts.function.contract import Code, Config, Request
from movingparts.function.lambda_backend import LambdaBackend
from movingparts.world.local.clock import RealClock

SOURCE = """
import os
def handler(event, context):
    return os.getpid(), os.getcwd()
"""

async def main():
    code = Code("fares", 1, SOURCE, Config(), {})
    instance = await LambdaBackend(RealClock()).start(code)
    print(*(await instance.run(Request("1", None))).value, flush=True)
    time.sleep(60)

asyncio.run(main())
'''


def test_our_platform_and_lambda_say_the_same_of_a_source() -> None:
    events = [{"minutes": 4}, "refuse", {"minutes": 0}, {}]

    async def simulated(world: SimulatedWorld) -> list[Outcome]:
        node = world.node("functions")
        return await outcomes(Platform(node, SimulatedBackend(node.clock, node.random)))

    async def real() -> list[Outcome]:
        async with LocalWorld() as world:
            node = world.node("functions")
            platform = Platform(node, LambdaBackend(node.clock))
            try:
                return await outcomes(platform)
            finally:
                await platform.close()

    async def outcomes(platform: Platform) -> list[Outcome]:
        await platform.deploy("fares", FARES, timeout=30.0)
        runs = [await platform.invoke("fares", event) for event in events]
        # Ours adds where it was raised, which Lambda has in its stack trace.
        return [(run.status, run.value, run.error.partition(" (in")[0]) for run in runs]

    expected = [
        ("ok", {"cents": 160, "count": 1}, ""),
        ("error", None, "ValueError: no such plan"),
        ("ok", {"cents": 100, "count": 3}, ""),
        ("error", None, "KeyError: 'minutes'"),
    ]
    assert expected == simulate(simulated, seed=1).result
    assert expected == asyncio.run(real())


def test_an_answer_for_another_event_is_refused() -> None:
    async def main() -> tuple[int, int, Result]:
        environment = Environment("arn")
        transport = httpx.ASGITransport(runtime_api(environment))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as api:
            work = asyncio.create_task(environment.run("7", None, deadline_ms=0))
            await api.get(f"{ROOT}/invocation/next")
            late = await api.post(f"{ROOT}/invocation/6/response", json=1)
            right = await api.post(f"{ROOT}/invocation/7/response", json=2)
            return late.status_code, right.status_code, await work

    assert (400, 202, Result("ok", 2)) == asyncio.run(main())
