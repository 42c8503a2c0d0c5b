"""What a process can do to its platform, and what is left of it afterward: nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from movingparts.core.clock import VirtualLoop
from movingparts.function import FunctionError, InitError, Invocation, Request
from movingparts.function.local import LocalBackend, check_landlock, check_system
from movingparts.world.local.watchdog import started
from tests.contract.functions import ECHO, Place, alone, code

pytestmark = pytest.mark.slow

HANDLER = "import os, signal, subprocess, time\ndef handler(event, context):\n    "
Scenario = Callable[[Place], Awaitable[Any]]


@pytest.fixture(autouse=True)
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where all folders of this test are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def locally(scenario: Scenario, **options: Any) -> Any:
    """Run with a backend; fail if any process is left of it."""

    async def main() -> Any:
        backend = LocalBackend(**options)
        async with asyncio.timeout(30), alone(backend) as place:
            result = await scenario(place)
            await backend.close()
        assert [] == [each for each in psutil.process_iter() if is_ours(each)]
        return result

    return asyncio.run(main())


def is_ours(process: psutil.Process) -> bool:
    """Whether a process was started from this test's folders, or works in one."""
    try:
        found = [*process.cmdline(), process.cwd()]
    except psutil.Error:
        return False
    return any(tempfile.gettempdir() in each for each in found)


async def invoked(place: Place, source: str, **config: Any) -> Invocation:
    """Invoke a function once, then another one: the platform is alive."""
    platform = place.platform()
    await platform.deploy("fares", source, **config)
    await platform.deploy("echo", ECHO)
    done = await platform.invoke("fares", None)
    assert "ok" == (await platform.invoke("echo", 1)).status
    await platform.close()
    return done


@pytest.mark.parametrize("preload", [None, ()])
@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("os._exit(3)", "killed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed"),
        ("while True: pass", "timeout"),
        ("time.sleep(60)", "timeout"),
        ("os.kill(os.getpid(), signal.SIGSTOP)", "timeout"),
        ("return len('x' * (500 << 20))", "memory"),
        ("os.fork() or time.sleep(60)", "ok"),
        ("os.fork()\n    return 5", "ok"),
        ("os.fork() or time.sleep(60)\n    os._exit(3)", "killed"),
        ("subprocess.Popen(['sleep', '987']) and None", "ok"),
        ("subprocess.Popen(['sleep', '987'], start_new_session=True)\n", "ok"),
        ("open('much', 'wb').truncate(600 << 20)", "error"),
        ("[open('/dev/null') for _ in range(2_000)]", "error"),
        ("raise KeyboardInterrupt", "killed"),
    ],
)
def test_whatever_a_function_does_is_reported_and_leaves_nothing(
    temp: Path, does: str, status: str, preload: tuple[str, ...] | None
) -> None:
    async def scenario(place: Place) -> Any:
        return await invoked(place, HANDLER + does, timeout=0.4)

    begun = time.monotonic()
    done = locally(scenario, preload=preload)
    assert status == done.status, done.error
    assert done.run < 2
    assert time.monotonic() - begun < 10
    assert [] == list(temp.iterdir())


def test_a_killed_process_says_how_it_ended() -> None:
    async def scenario(place: Place) -> Any:
        ends = ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"]
        return [(await place.run(HANDLER + each)).error for each in ends]

    gone = "its process is gone"
    assert [f"{gone}: exit code 3", f"{gone}: SIGKILL"] == locally(scenario)


def test_an_init_that_takes_too_long_or_ends_the_process_is_an_init_error() -> None:
    async def scenario(place: Place) -> Any:
        found = []
        sources = ["import time; time.sleep(60)", "import os; os._exit(3)"]
        for source in [*sources, "everything = 'x' * (500 << 20)"]:
            with pytest.raises(InitError) as error:
                await place.start(source)
            found.append(str(error.value))
        return found

    found = locally(scenario, init_timeout=0.3)
    gone = "its process is gone: exit code 3"
    assert ["not ready within 0.3 s", gone, "out of memory"] == found


def test_an_instance_has_an_environment_and_a_folder_of_its_own(temp: Path) -> None:
    source = (
        "import os\nopen('mine', 'w').close()\ndef handler(event, context):\n"
        "    return [sorted(os.environ), os.getcwd(), os.listdir()]"
    )

    async def scenario(place: Place) -> Any:
        environment = {"TARIFF": "15"}
        one = await place.run(source, environment=environment)
        two = await place.run(source, environment=environment)
        return one.value, two.value

    one, two = locally(scenario)
    assert ["HOME", "LANG", "PATH", "TARIFF", "TMPDIR"] == one[0]
    assert one[1] != two[1]
    assert Path(one[1]).is_relative_to(temp)
    assert ["mine"] == one[2] == two[2]
    assert [] == list(temp.iterdir())


def test_what_a_function_prints_is_in_its_logs() -> None:
    source = "import sys\ndef handler(event, context):\n    print('fare', event)"

    async def scenario(place: Place) -> Any:
        assert isinstance(place.backend, LocalBackend)
        before = place.backend.logs("fares")
        await place.run(source, 1)
        await place.run(source + "\n    sys.stderr.write('late\\n')", 2)
        return before, place.backend.logs("fares")

    assert ([], ["fare 1", "fare 2", "late"]) == locally(scenario)


def test_peak_memory_grows_with_what_a_function_takes() -> None:
    source = "def handler(event, context):\n    return len(b'x' * (event << 20))"

    async def scenario(place: Place) -> Any:
        instance = await place.start(source, memory_mb=256)
        runs = [await instance.run(Request("r", mb)) for mb in (0, 60, 0)]
        return [each.peak_mb for each in runs]

    first, second, third = locally(scenario)
    assert 5 < first < 40
    assert 60 <= second - first < 70
    assert third == second


def test_a_fork_server_has_imported_before_an_instance_starts() -> None:
    source = "import sys\nseen = 'colorsys' in sys.modules\n"
    source += "def handler(event, context):\n    return [seen, 'worker' in sys.path]"

    async def scenario(place: Place) -> Any:
        return (await place.run(source)).value

    assert [True, False] == locally(scenario, preload=("colorsys",))
    assert [False, False] == locally(scenario)


def test_a_fork_server_that_cannot_import_says_so() -> None:
    async def scenario(place: Place) -> str:
        with pytest.raises(InitError) as error:
            await place.start(ECHO)
        return str(error.value)

    why = "No module named 'bikes_of_1890'"
    assert why in locally(scenario, preload=("bikes_of_1890",))


def test_a_killed_fork_server_is_started_again_and_its_instances_go_on() -> None:
    async def scenario(place: Place) -> Any:
        backend = place.backend
        assert isinstance(backend, LocalBackend)
        one = await place.start(ECHO)
        assert backend._server is not None
        os.kill(backend._server.process.pid, signal.SIGKILL)
        server = backend._server.process
        await place.until(lambda: not server.up)
        two = await place.start(ECHO)
        return [(await each.run(Request("r", 1))).status for each in (one, two)]

    assert ["ok", "ok"] == locally(scenario, preload=())


def test_a_fork_server_whose_waiting_copy_is_killed_is_started_again() -> None:
    async def scenario(place: Place) -> Any:
        backend = place.backend
        assert isinstance(backend, LocalBackend)
        await place.start(ECHO)
        assert backend._server is not None
        process, used = backend._server.process, backend.pids
        server = psutil.Process(process.pid)
        await place.until(lambda: len(server.children()) == 3)
        waits = [each for each in server.children() if each.pid not in used]
        waits[0].kill()
        await place.until(lambda: not process.up)
        await place.until(lambda: not waits[1].is_running())
        return (await (await place.start(ECHO)).run(Request("r", 1))).status

    assert "ok" == locally(scenario, preload=())


def test_a_fork_server_that_ends_while_it_is_asked_is_an_error() -> None:
    async def scenario(place: Place) -> Any:
        backend = place.backend
        assert isinstance(backend, LocalBackend)
        await place.start(ECHO)
        assert backend._server is not None
        server = psutil.Process(backend._server.process.pid)
        await place.until(lambda: len(server.children()) == 3)  # two of them wait
        server.suspend()
        await asyncio.gather(place.start(ECHO), place.start(ECHO))
        asks = asyncio.create_task(place.start(ECHO))
        await asyncio.sleep(0.05)
        server.kill()
        with pytest.raises(InitError, match="the fork server is gone"):
            await asks

    locally(scenario, preload=())


def test_a_machine_without_room_for_a_process_is_an_init_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*args: Any, **options: Any) -> Any:
        raise BlockingIOError("Resource temporarily unavailable")

    async def scenario(place: Place) -> Any:
        await place.run(ECHO)
        with monkeypatch.context() as patched:
            patched.setattr("movingparts.function.process.subprocess.Popen", full)
            with pytest.raises(InitError, match="no process could be started: Res"):
                await place.start(ECHO)

    locally(scenario)


def test_a_caller_that_stops_waiting_for_a_start_leaves_nothing(temp: Path) -> None:
    async def scenario(place: Place) -> Any:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await place.start("import time; time.sleep(60)")
        return repr(place.backend)

    assert "<LocalBackend: 0 instances>" == locally(scenario)
    assert [] == list(temp.iterdir())


def test_closing_a_backend_ends_what_runs_and_is_repeatable(temp: Path) -> None:
    async def scenario(place: Place) -> Any:
        assert isinstance(place.backend, LocalBackend)
        async with place.backend as backend:
            instance = await place.start(HANDLER + "time.sleep(60)")
            (pid,) = backend.pids
            waits = asyncio.create_task(instance.run(Request("r", 1)))
            await asyncio.sleep(0.05)
        await backend.close()
        again = await instance.run(Request("r", 1))
        return (await waits).status, again.status, started(pid)

    assert ("killed", "killed", "") == locally(scenario)
    assert [] == list(temp.iterdir())


def test_a_call_where_no_platform_is_fails_in_the_handler() -> None:
    async def scenario(place: Place) -> Any:
        return await place.run(
            "async def handler(event, context):\n"
            "    return await context.invoke('price', 1)"
        )

    assert "price can't be called from here" in locally(scenario).error


def test_an_event_that_is_no_json_is_the_callers_mistake() -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        await platform.deploy("fares", ECHO)
        with pytest.raises(TypeError):
            await platform.invoke("fares", {1, 2})
        again = await platform.invoke("fares", [1])
        await platform.close()
        return again.value, again.cold

    assert ([1], False) == locally(scenario)


def test_virtual_time_and_other_systems_are_refused_with_advice() -> None:
    loop = VirtualLoop()
    try:
        with pytest.raises(FunctionError, match="use it with a LocalWorld's node"):
            loop.run_until_complete(LocalBackend().start(code(ECHO)))
    finally:
        loop.close()
    for system in ("win32", "emscripten"):
        with pytest.raises(FunctionError, match=f"{system} has none: use a Simulated"):
            check_system(system)


KERNEL = """
import asyncio
import psutil
from movingparts.function.local import LocalBackend
from movingparts.function import Code, Config, Request

SOURCE = "def handler(event, context):\\n    while True: pass"

async def main():
    for preload in (None, ()):
        backend = LocalBackend(preload=preload)
        code = Code("fares", 1, SOURCE, Config(timeout=60), {})
        instance = await backend.start(code)
        asyncio.create_task(instance.run(Request("r", 1)))
        print(backend._folder, flush=True)
    # A spawned instance; the fork server, its instance and two that wait; watchdogs.
    while len(found := psutil.Process().children(recursive=True)) < 7:
        await asyncio.sleep(0.01)
    print(*(each.pid for each in found), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_nothing_outlives_a_platform_that_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, env=environment
    ) as kernel:
        assert kernel.stdout is not None
        *folders, pids = (kernel.stdout.readline().decode() for _ in range(3))
        kernel.kill()
    assert 7 == len(pids.split())
    ends = time.monotonic() + 10
    while time.monotonic() < ends and left(folders, pids):
        time.sleep(0.02)
    assert [] == left(folders, pids)


def left(folders: list[str], pids: str) -> list[str]:
    there = [each for each in folders if Path(each.strip()).exists()]
    return there + [pid for pid in pids.split() if started(int(pid))]


# --- Landlock ---------------------------------------------------------------------


def landlocked() -> bool:
    try:
        check_landlock()
    except FunctionError:
        return False
    return True


def test_without_landlock_confine_is_refused_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "py_landlock", None)
    with pytest.raises(FunctionError, match="py-landlock, which is not installed"):
        LocalBackend(confine=True)


@pytest.mark.skipif(
    not landlocked(),
    reason="needs Landlock with rules for TCP: run `make test` on Linux 6.7 or newer",
)
@pytest.mark.parametrize("preload", [None, ("json",)])
def test_a_confined_function_reaches_its_folder_and_no_more(
    preload: tuple[str, ...] | None, tmp_path: Path
) -> None:
    tries = {
        f"open({str(tmp_path / 'x')!r}, 'w')": "PermissionError",
        "open('/etc/hostname')": "PermissionError",
        "__import__('os').listdir('/')": "PermissionError",
        "__import__('socket').create_connection(('127.0.0.1', 9))": "PermissionError",
        "__import__('socket').create_server(('127.0.0.1', 0))": "PermissionError",
        "__import__('subprocess').run(['/bin/true'])": "PermissionError",
        "__import__('os').kill(__import__('os').getppid(), 0)": "PermissionError",
        "open('mine', 'w').write('1')": "1",
        "__import__('decimal').Decimal(1) and open('mine').read()": "'1'",
    }
    source = (
        "def handler(event, context):\n    try:\n        return repr(eval(event))\n"
        "    except OSError as error:\n        return type(error).__name__"
    )

    async def scenario(place: Place) -> Any:
        instance = await place.start(source)
        results = [await instance.run(Request("r", each)) for each in tries]
        return [each.value for each in results]

    found = locally(scenario, preload=preload, confine=True)
    assert list(tries.values()) == found


@pytest.mark.parametrize(
    ("fails", "says"), [(True, "Landlock is off"), (False, "Linux has since 6.7")]
)
def test_an_old_kernel_cannot_confine(
    fails: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    landlock = pytest.importorskip(
        "py_landlock", reason="py-landlock is for Linux: run `make test` there"
    )

    def version() -> int:
        if fails:
            raise landlock.LandlockNotAvailableError("Landlock is off")
        return 3

    monkeypatch.setattr(landlock, "get_abi_version", version)
    with pytest.raises(FunctionError, match=says):
        check_landlock()
