"""The watchdog: what a kernel owned ends with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from movingparts.world.local import watchdog as module
from movingparts.world.local.watchdog import PREFIX, Watchdog, clean, started, watch

pytestmark = pytest.mark.slow
SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEP, start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / f"{PREFIX}x"
    (folder / "disk").mkdir(parents=True)
    (folder / "disk" / "data.sqlite").write_text("rows")
    return folder


def soon(holds: Callable[[], bool], *, seconds: float = 2.0) -> bool:
    """Return whether something holds within two seconds."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def let_go(watchdog: Watchdog) -> None:
    """End the pipe, as the kernel's death does."""
    process = watchdog._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    process.wait(5)


def test_processes_and_folders_go_when_the_pipe_ends(
    sleeper: subprocess.Popen[bytes], folder: Path
) -> None:
    watchdog = Watchdog()
    watchdog.own_process(sleeper.pid)
    watchdog.own_folder(folder)
    assert watchdog.pid is not None
    let_go(watchdog)
    assert -signal.SIGKILL == sleeper.wait(2)
    assert not folder.exists()


def test_what_was_released_stays(
    sleeper: subprocess.Popen[bytes], folder: Path, tmp_path: Path
) -> None:
    watchdog = Watchdog()
    watchdog.own_folder(tmp_path / "another")
    watchdog.own_process(sleeper.pid)
    watchdog.own_folder(folder)
    watchdog.release_process(sleeper.pid)
    watchdog.release_folder(folder)
    let_go(watchdog)
    assert sleeper.poll() is None
    assert folder.exists()


def test_a_watchdog_with_nothing_to_watch_ends(folder: Path) -> None:
    watchdog = Watchdog()
    watchdog.own_folder(folder)
    pid = watchdog.pid
    watchdog.release_folder(folder)
    watchdog.release_folder(folder)
    assert watchdog.pid is None
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert folder.exists()


def test_a_watchdog_that_was_killed_is_replaced_and_told_everything(
    sleeper: subprocess.Popen[bytes], folder: Path
) -> None:
    watchdog = Watchdog()
    watchdog.own_process(sleeper.pid)
    first = watchdog.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert soon(lambda: watchdog.pid is None)
    watchdog.own_folder(folder)
    assert watchdog.pid not in {None, first}
    let_go(watchdog)
    assert -signal.SIGKILL == sleeper.wait(2)
    assert not folder.exists()


def test_a_later_process_with_the_same_number_is_left_alone(
    sleeper: subprocess.Popen[bytes],
) -> None:
    clean({f"process {sleeper.pid}": "the start of an earlier one"})
    assert sleeper.poll() is None


def test_only_folders_of_ours_are_removed(tmp_path: Path) -> None:
    precious = tmp_path / "home"
    precious.mkdir()
    clean({f"folder {precious}": ""})
    assert precious.exists()


def test_what_a_process_started_in_its_session_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = (
        "import subprocess, sys, time, pathlib\n"
        f"child = subprocess.Popen({SLEEP!r})\n"
        f"pathlib.Path({str(file)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    assert soon(lambda: file.exists() and file.read_text() != "", seconds=10)
    child = psutil.Process(int(file.read_text()))
    clean({f"process {parent.pid}": started(parent.pid)})
    assert -signal.SIGKILL == parent.wait(2)
    assert soon(lambda: not _lives(child))


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_fork_that_holds_the_pipe_does_not_hold_up_the_cleaning(
    folder: Path,
) -> None:
    """A process pool forks the kernel, pipe and all, and may outlive it."""
    code = (
        "import os, pathlib, signal, time\n"
        "from movingparts.world.local.watchdog import Watchdog\n"
        f"Watchdog().own_folder(pathlib.Path({str(folder)!r}))\n"
        "time.sleep(0.3)\n"  # the script is up
        "fork = os.fork()\n"
        "if fork == 0:\n"
        "    time.sleep(30)\n"
        "print(fork, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", code]
    kernel = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert kernel.stdout is not None
    fork = psutil.Process(int(kernel.stdout.readline()))
    assert -signal.SIGKILL == kernel.wait(5)
    assert soon(lambda: not folder.exists())
    assert fork.is_running()
    fork.kill()
    kernel.stdout.close()


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="only Linux shows in /proc when a process ignores signals: run it there",
)
def test_signals_from_a_terminal_do_not_end_it(folder: Path) -> None:
    watchdog = Watchdog()
    watchdog.own_folder(folder)
    assert watchdog.pid is not None
    process = psutil.Process(watchdog.pid)
    assert soon(lambda: _ignores(process.pid, signal.SIGTERM), seconds=5)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    watchdog.own_folder(folder.parent / f"{PREFIX}y")
    assert process.pid == watchdog.pid
    let_go(watchdog)
    assert not folder.exists()


def _ignores(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigIgn"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_its_lines_may_come_in_any_pieces() -> None:
    reader, writer = os.pipe()
    for piece in (b"12\tproc", b"ess 7\n\tfolder /a b\n", b"forget\tprocess 7\n\tfold"):
        os.write(writer, piece)
    os.close(writer)
    assert {"folder /a b": ""} == watch(reader, os.getppid())
    os.close(reader)


def test_it_ends_when_its_parent_is_another() -> None:
    reader, writer = os.pipe()
    assert {} == watch(reader, -1)
    os.close(reader)
    os.close(writer)


def test_without_proc_the_start_time_comes_from_ps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS; ps is looked at here where there is one."""
    output = {"there": "Mon Nov 23 15:00:00 2026\n"}

    def check_output(command: list[str], *, text: bool) -> str:
        assert ["ps", "-o", "lstart=", "-p"] == command[:4]
        if command[4] == "7":
            raise subprocess.CalledProcessError(1, command)
        return output["there"]

    monkeypatch.setattr(module, "_PROC", Path("/no/such/folder"))
    monkeypatch.setattr(module.subprocess, "check_output", check_output)
    assert "Mon Nov 23 15:00:00 2026" == started(8)
    assert "" == started(7)


def test_a_process_that_is_gone_has_no_start(sleeper: subprocess.Popen[bytes]) -> None:
    assert started(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert "" == started(sleeper.pid)
