"""An instance that is a process, as the platform sees it: a socket and its lines."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from movingparts.function.contract import (
    Code,
    FunctionError,
    InitError,
    Request,
    Result,
)
from movingparts.function.process import Process

MOST = 1 << 18  # bytes that are read from a socket at once
GONE = "its process is gone"


class LocalInstance:
    """One process: requests go out as lines of JSON, and results come back."""

    def __init__(
        self,
        ours: socket.socket,
        folder: Path,
        code: Code,
        ended: Callable[[LocalInstance], None],
    ) -> None:
        self._socket, self._folder = ours, folder
        self._code, self._ended = code, ended
        self._process: Process | None = None
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._waiting: dict[int, tuple[asyncio.Future[Result], Request]] = {}
        self._calls: dict[asyncio.Task[None], None] = {}
        self._numbers = itertools.count(1)
        self._read, self._unsent, self._over = b"", b"", False
        ours.setblocking(False)

    @property
    def pid(self) -> int:
        """The process id; 0 before it has one."""
        return self._process.pid if self._process is not None else 0

    async def begin(self, process: Process, timeout: float) -> None:
        """Wait until its process has run the source; raise `InitError`."""
        self._process = process
        self._loop.add_reader(self._socket, self._readable)
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
            self.send({"n": number, "id": request.id, "event": request.event})
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
        how = self._process.end(self._folder) if self._process is not None else ""
        why = f"{GONE}: {how}".removesuffix(": ")
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
        if not future.done() and self._process is not None and self._process.up:
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
            self.send(answer)

    def send(self, message: dict[str, Any]) -> None:
        """Send a line, at once or as soon as the socket takes it."""
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
