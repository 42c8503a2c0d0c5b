"""The process of an instance, as the platform sees it: a socket, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from movingparts.function.contract import (
    Code,
    FunctionError,
    InitError,
    Request,
    Result,
)

MOST = 1 << 18  # bytes that are read from a socket at once
GONE = "its process is gone"
_PROC = Path("/proc")  # Linux; elsewhere only a session's own group is found


class Process:
    """A process at the head of a session: spawned here, or forked by a fork server."""

    def __init__(self, pid: int, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.pid, self._popen = pid, popen

    @classmethod
    def spawn(cls, script: list[str], fd: int, log: int) -> Process:
        """Start this Python on a script, with one socket and nothing else of ours."""
        popen = subprocess.Popen(  # noqa: S603  # this Python, our own script
            # Isolated: no variable, folder or package of the user changes it.
            [sys.executable, "-I", "-u", *script],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(fd,),
            env={},
            start_new_session=True,
        )
        return cls(popen.pid, popen)

    @property
    def up(self) -> bool:
        """Whether it runs."""
        if self._popen is not None:
            return self._popen.poll() is None
        if _PROC.exists():  # a dead one may wait to be forgotten: it is a zombie
            return stat_of(self.pid)[:1] not in ([], [b"Z"])
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def end(self, folder: Path | None = None) -> str:
        """Kill it, its session and what works in its folder; return how it ended.

        What has ended on its own has done so before the signal comes.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in left_by(self.pid, folder):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if self._popen is None:
            while self.up:
                time.sleep(0.000_2)  # after SIGKILL, not for long
            return ""
        code = self._popen.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def left_by(session: int, folder: Path | None) -> Iterator[int]:
    """Yield the processes of a session, and those that work in a folder."""
    for entry in _PROC.glob("[1-9]*"):
        pid = int(entry.name)
        if stat_of(pid)[3:4] == [b"%d" % session]:
            yield pid
        elif folder is not None:
            with contextlib.suppress(OSError):  # it has ended, or is another user's
                if (entry / "cwd").readlink().is_relative_to(folder):
                    yield pid


def stat_of(pid: int) -> list[bytes]:
    """Return what Linux says of a process: state, parent, group, session and more."""
    try:
        text = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return []
    return text.rpartition(b")")[2].split()  # its name before may hold anything


class LocalInstance:
    """One process: requests go out as lines of JSON, and results come back."""

    def __init__(
        self,
        process: Process,
        ours: socket.socket,
        folder: Path,
        code: Code,
        ended: Callable[[LocalInstance], None],
    ) -> None:
        self.process, self._socket, self._folder = process, ours, folder
        self._code, self._ended = code, ended
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._waiting: dict[int, tuple[asyncio.Future[Result], Request]] = {}
        self._calls: dict[asyncio.Task[None], None] = {}
        self._numbers = itertools.count(1)
        self._read, self._unsent, self._over = b"", b"", False

    async def begin(self, settings: dict[str, Any], timeout: float) -> None:
        """Send the source and wait for its init; raise `InitError`."""
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._readable)
        self._send(settings)
        try:
            async with asyncio.timeout(timeout):
                answer = await self._ready
        except TimeoutError:
            answer = {"init": f"not ready within {timeout:g} s"}
        except BaseException:
            self.end()
            raise
        if "init" in answer:
            self.end()
            raise InitError(answer["init"])

    async def run(self, request: Request) -> Result:
        """Send a request; return its result, or what became of its process."""
        if self._over:
            return Result("killed", error=GONE, alive=False)
        number, future = next(self._numbers), self._loop.create_future()
        self._waiting[number] = future, request
        timer = self._loop.call_later(self._code.config.timeout, self._late, number)
        try:
            self._send({"n": number, "id": request.id, "event": request.event})
            result: Result = await future
            return result
        finally:
            timer.cancel()
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """End it, and remove its folder."""
        self.end()

    def end(self) -> None:
        """Kill whatever is left of it, and report that to those who wait."""
        if self._over:
            return
        self._over = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        why = f"{GONE}: {self.process.end(self._folder)}".removesuffix(": ")
        shutil.rmtree(self._folder, ignore_errors=True)
        for call in self._calls:
            call.cancel()
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_result(Result("killed", error=why, alive=False))
        if not self._ready.done():
            self._ready.set_result({"init": why})
        self._ended(self)

    # --- Inside -----------------------------------------------------------------------

    def _late(self, number: int) -> None:
        future, _ = self._waiting[number]
        if not future.done() and self.process.up:
            over = f"over {self._code.config.timeout:g} s"
            future.set_result(Result("timeout", error=over, alive=False))
        self.end()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(MOST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end()
            return
        *lines, self._read = (self._read + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message: dict[str, Any]) -> None:
        if "call" in message:
            call = self._loop.create_task(self._call(message))
            self._calls[call] = None
            call.add_done_callback(self._calls.pop)
        elif "n" not in message:
            self._ready.set_result(message)
        elif message["n"] in self._waiting:
            future, _ = self._waiting[message["n"]]
            if not future.done():
                future.set_result(result_of(message))

    async def _call(self, message: dict[str, Any]) -> None:
        """Run another function for a handler that waits for it."""
        answer = {"answer": message["call"]}
        try:
            _, request = self._waiting[message["n"]]
            invoke = request.invoke or nothing_to_call
            answer["value"] = await invoke(message["name"], message["event"])
        except (FunctionError, KeyError) as error:
            answer["error"] = str(error)
        if not self._over:
            self._send(answer)

    def _send(self, message: dict[str, Any]) -> None:
        unsent, self._unsent = self._unsent, self._unsent + json.dumps(message).encode()
        self._unsent += b"\n"
        if not unsent:
            self._flush()

    def _flush(self) -> None:
        """Send what the socket takes, and the rest when it takes more."""
        with contextlib.suppress(BlockingIOError):
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except (BrokenPipeError, ConnectionResetError):
                self._unsent = b""  # what is left to read says that it has ended
        if self._unsent:
            self._loop.add_writer(self._socket, self._flush)
        else:
            self._loop.remove_writer(self._socket)


async def nothing_to_call(name: str, event: Any) -> Any:
    """Refuse a call where no platform is."""
    raise FunctionError(f"{name} can't be called from here: there is no platform")


def result_of(message: dict[str, Any]) -> Result:
    """Return what a worker reports; one that is out of memory is not used again."""
    status = message["status"]
    return Result(
        status,
        message.get("value"),
        message.get("error", ""),
        alive=status != "memory",
        peak_mb=message.get("peak", 0),
    )
