"""Instances on this machine: each is an operating-system process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import py_compile
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from movingparts.core.clock import VirtualLoop
from movingparts.function.contract import Code, FunctionError, InitError
from movingparts.function.instance import LocalInstance
from movingparts.function.process import Process

SCRIPTS = ("worker", "forkserver")
IMPORTS = 60.0  # seconds that a fork server has for its imports
TCP = 4  # the version of Landlock that knows TCP: Linux 6.7


class LocalBackend:
    """Starts each instance as a process, with its own interpreter and limits.

    An instance gets its code's environment and no other variable of this process, a
    folder of its own to work in, and a session of its own, which is ended with it. What
    it prints is in `logs`. With `preload`, a fork server imports those modules once,
    and instances are forked from it. With `confine`, Landlock keeps an instance from
    all other files and from TCP (Linux only). An init is ended after `init_timeout`
    seconds.

    >>> LocalBackend(preload=("json",))
    <LocalBackend: 0 instances>

    Source: chapter 11. Leaves out: a sandbox. Limits of a process keep accidents in,
    not attackers: see `worker.limit`. A process that a function starts in a session of
    its own, outside its folder, is not found.
    """

    def __init__(
        self,
        *,
        preload: Sequence[str] | None = None,
        confine: bool = False,
        init_timeout: float = 10.0,
    ) -> None:
        check_system(sys.platform)
        if confine:
            check_landlock()
        from movingparts.world.local.watchdog import Watchdog

        self.confine, self.init_timeout = confine, init_timeout
        self._preload, self._watchdog = preload, Watchdog()
        self._folder: Path | None = None
        self._numbers = itertools.count(1)
        self._running: dict[LocalInstance, None] = {}
        self._server: ForkServer | None = None
        self._starting = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<LocalBackend: {len(self._running)} instances>"

    async def __aenter__(self) -> Self:
        """Give the backend; it opens when it is needed."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close it."""
        await self.close()

    @property
    def pids(self) -> list[int]:
        """The process ids of the instances."""
        return [instance.pid for instance in self._running]

    @property
    def server_pids(self) -> list[int]:
        """The process id of the fork server, if one runs."""
        return [self._server.process.pid] if self._server is not None else []

    def logs(self, name: str) -> list[str]:
        """Return what a function's instances have printed, oldest first."""
        log = self._folder and self._folder / f"{name}.log"
        return log.read_text("utf-8", "replace").splitlines() if log else []

    async def start(self, code: Code) -> LocalInstance:
        """Start a process and run the source in it; raise `InitError`."""
        if isinstance(asyncio.get_running_loop(), VirtualLoop):
            raise FunctionError(
                "a LocalBackend runs in real time: use it with a LocalWorld's node, or"
                " a SimulatedBackend in this world"
            )
        root = self._open()
        folder = root / f"{code.name}-{next(self._numbers)}"
        folder.mkdir()
        ours, theirs = socket.socketpair()
        with theirs, (root / f"{code.name}.log").open("ab") as log:
            instance = LocalInstance(ours, folder, code, self._ended)
            instance.send(self._settings(code, folder))  # it is there when it starts
            try:
                process = await self._launch(theirs.fileno(), log.fileno())
            except BaseException:
                instance.end()
                raise
        self._running[instance] = None
        self._watchdog.own_process(process.pid)
        await instance.begin(process, self.init_timeout)
        return instance

    async def close(self) -> None:
        """End all instances and the fork server, and remove all folders; repeatable."""
        for instance in list(self._running):
            await instance.close()
        self._end_server()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._watchdog.release_folder(self._folder)
            self._folder = None

    def _open(self) -> Path:
        if self._folder is None:
            from movingparts.world.local.watchdog import PREFIX

            self._folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
            self._watchdog.own_folder(self._folder)
            # A script is compiled whenever it starts, unless that was done before.
            for name in SCRIPTS:
                script = Path(__file__).with_name(f"{name}.py")
                py_compile.compile(str(script), str(self._folder / f"{name}.pyc"))
        return self._folder

    async def _launch(self, fd: int, log: int) -> Process:
        root = self._open()
        if self._preload is None:
            try:
                return Process.spawn([str(root / "worker.pyc"), str(fd)], fd, log)
            except OSError as error:  # this machine is full
                raise InitError(f"no process could be started: {error}") from error
        async with self._starting:
            if self._server is None or not self._server.process.up:
                self._end_server()
                self._server = ForkServer(root / "forkserver.pyc", self._preload, log)
                self._watchdog.own_process(self._server.process.pid)
                await self._server.ready()
            return await self._server.fork(fd, log)

    def _end_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.end()
            self._watchdog.release_process(server.process.pid)

    def _settings(self, code: Code, folder: Path) -> dict[str, Any]:
        where = {"HOME": str(folder), "TMPDIR": str(folder)}
        python = {"PATH": os.defpath, "LANG": "C.UTF-8"}
        return {
            "name": code.name,
            "version": str(code.version),
            "source": code.source,
            "memory_mb": code.config.memory_mb,
            "timeout": code.config.timeout,
            "concurrency": code.config.concurrency,
            "environment": {**python, **where, **code.environment},
            "folder": str(folder),
            "confine": self.confine,
            "init_timeout": self.init_timeout,
        }

    def _ended(self, instance: LocalInstance) -> None:
        self._running.pop(instance, None)
        self._watchdog.release_process(instance.pid)


class ForkServer:
    """A process that has imported some modules, and forks instances from itself.

    Source: chapter 11; it stands for the snapshots that platforms start from.
    """

    def __init__(self, script: Path, modules: Sequence[str], log: int) -> None:
        self._control, theirs = socket.socketpair()
        self._control.setblocking(False)
        with theirs:
            fd = theirs.fileno()
            self.process = Process.spawn([str(script), str(fd), *modules], fd, log)

    async def ready(self) -> None:
        """Wait until it has imported; raise `InitError` if it can't."""
        try:
            async with asyncio.timeout(IMPORTS):
                answer = await self._answer()
        except TimeoutError:
            answer = f"not ready within {IMPORTS:g} s"
        if answer != "ready":
            self.end()
            raise InitError(f"the fork server has not started: {answer}")

    async def fork(self, fd: int, log: int) -> Process:
        """Have an instance forked that talks through `fd` and prints to `log`."""
        try:
            socket.send_fds(self._control, [b"f"], [fd, log])
            return Process(int(await self._answer()))
        except (OSError, ValueError) as error:
            raise InitError("the fork server is gone: try again") from error

    async def _answer(self) -> str:
        loop = asyncio.get_running_loop()
        return (await loop.sock_recv(self._control, 4096)).decode()

    def end(self) -> None:
        """End it; its instances go on."""
        self.process.end()
        with contextlib.suppress(OSError):
            self._control.settimeout(1.0)
            while self._control.recv(4096):  # until the copy that waits is gone, too
                pass
        self._control.close()


def check_system(platform: str) -> None:
    """Raise `FunctionError` where there are no processes, or no limits for them.

    >>> check_system("linux")
    """
    if platform in {"win32", "emscripten", "wasi"}:
        raise FunctionError(
            f"a LocalBackend needs processes with limits, and {platform} has none:"
            " use a SimulatedBackend, or Linux (on Windows: WSL)"
        )


def check_landlock() -> None:
    """Raise `FunctionError` unless the kernel can confine a process as we need it."""
    try:
        from py_landlock import LandlockError, get_abi_version
    except ModuleNotFoundError:
        raise FunctionError(
            "confine=True needs Linux and py-landlock, which is not installed: "
            "python -m pip install 'movingparts[lab]', or leave confine out"
        ) from None
    try:
        version = get_abi_version()
    except LandlockError as error:
        raise FunctionError(f"confine=True needs Landlock: {error}") from error
    if version < TCP:
        raise FunctionError(
            "confine=True needs Landlock with TCP, which Linux has since 6.7"
        )
