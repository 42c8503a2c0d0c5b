"""Whatever becomes of a kernel, its world leaves no process, no port, no folder."""

from __future__ import annotations

import os
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.slow

MARK = "MOVINGPARTS_LEAK_TEST"
WITHIN = 2.0  # seconds in which everything is gone

SERVICES = """
import os

from fastapi import FastAPI


def hello(node):
    app = FastAPI()
    node.disk.connect().execute("CREATE TABLE IF NOT EXISTS seen (id TEXT)")

    @app.get("/hello")
    async def say():
        return {"from": node.name, "pid": os.getpid()}

    return app
"""
OPEN = """
from movingparts.world import LocalWorld
from services import hello

world = await LocalWorld.open()
await world.serve("one", hello)
await world.serve("two", hello)
await world.spawn("three", "services:hello")
"""
ASK = """
rider = world.client("rider")
names = [(await rider.get(f"http://{name}/hello")).json()["from"]
         for name in ("one", "two", "three")]
await world.nats.flush()
print(*names, world.broker.up)
"""


class Kernel:
    """A real kernel, and what the machine shows of it and of all that it started."""

    def __init__(self, folder: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.temp = folder / "temp"
        self.temp.mkdir()
        (folder / "services.py").write_text(SERVICES)
        self.manager = KernelManager(connection_file=str(folder / "kernel.json"))
        env = {**os.environ, MARK: self.mark, "TMPDIR": str(self.temp)}
        self.manager.start_kernel(cwd=str(folder), env=env)
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]  # it runs

    def run(self, code: str, *, timeout: float = 60) -> str:
        """Run a cell and return what it printed; fail if it raised."""
        printed: list[str] = []
        reply = self.client.execute_interactive(
            code,
            timeout=timeout,
            output_hook=lambda message: _collect(message, printed),
        )
        content = reply["content"]
        assert "ok" == content["status"], "\n".join(content.get("traceback", []))
        return "".join(printed)

    def processes(self) -> list[psutil.Process]:
        """All processes that carry the mark, but for the kernel that runs now."""
        kernel = self.pid if self.manager.has_kernel else None
        return [one for one in psutil.process_iter() if self._ours(one, kernel)]

    def _ours(self, process: psutil.Process, kernel: int | None) -> bool:
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            marked = process.environ().get(MARK) == self.mark
        except psutil.Error:
            return False
        return alive and marked and process.pid != kernel

    def listening(self) -> list[Any]:
        """The addresses on which the kernel and what it started listen."""
        everyone = [*self.processes(), psutil.Process(self.pid)]
        return [
            connection.laddr
            for process in everyone
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]

    def folders(self) -> list[Path]:
        return list(self.temp.glob("movingparts-*"))

    def end(self) -> None:
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


def _collect(message: dict[str, Any], printed: list[str]) -> None:
    if message["msg_type"] == "stream":
        printed.append(message["content"]["text"])


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all tests that leave it alive."""
    kernel = Kernel(tmp_path_factory.mktemp("shared"))
    yield kernel
    kernel.end()


@pytest.fixture
def lasting(shared: Kernel) -> Iterator[Kernel]:
    """The shared kernel; what a test opens in it is closed, and gone, after it."""
    yield shared
    shared.run("await world.close()")
    gone(shared, set())


def ports_in_use(ports: set[int]) -> set[int]:
    """The ports to which a connection can be made."""
    return {port for port in ports if _answers(port)}


def _answers(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(5)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def gone(kernel: Kernel, ports: set[int]) -> None:
    """Assert that nothing is left, at the latest after two seconds."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        if not (kernel.processes() or ports_in_use(ports) or kernel.folders()):
            break
        time.sleep(0.05)
    assert [] == kernel.processes()
    assert set() == ports_in_use(ports)
    assert [] == kernel.folders()


def opened(kernel: Kernel) -> set[int]:
    """Open a world in the kernel; return its ports, having seen that it is there."""
    before = {address.port for address in kernel.listening()}
    kernel.run(OPEN)
    assert "one two three True\n" == kernel.run(ASK)
    ports = {address.port for address in kernel.listening()} - before
    assert 4 == len(ports), "two services, a spawned one and the broker"
    assert 3 == len(kernel.processes()), "the spawned one, the broker, the watchdog"
    assert 1 == len(kernel.folders())
    return ports


def restart(kernel: Kernel) -> None:
    kernel.manager.restart_kernel()


def restart_now(kernel: Kernel) -> None:
    kernel.manager.restart_kernel(now=True)


def shutdown(kernel: Kernel) -> None:
    kernel.manager.shutdown_kernel()


def leave(kernel: Kernel) -> None:
    kernel.client.execute("exit()")
    ended(kernel)


def kill(kernel: Kernel) -> None:
    os.kill(kernel.pid, signal.SIGKILL)
    ended(kernel)


def ended(kernel: Kernel) -> None:
    process = psutil.Process(kernel.pid)
    kernel.manager.provisioner.process.wait(10)  # type: ignore[union-attr]  # it ran
    assert not process.is_running()


@pytest.mark.parametrize("end", [restart, restart_now, shutdown, leave, kill])
def test_nothing_is_left_of_a_kernel_that_ends(
    kernel: Kernel, end: Callable[[Kernel], None]
) -> None:
    ports = opened(kernel)
    end(kernel)
    gone(kernel, ports)


def test_interrupting_a_cell_ends_nothing(lasting: Kernel) -> None:
    """Neither a cell that awaits nor one that computes takes the services along."""
    ports = opened(lasting)
    before = {process.pid for process in lasting.processes()}
    for cell in (
        "import asyncio; print('go'); await asyncio.sleep(60)",
        "print('go')\nwhile True: pass",
    ):
        interrupted(lasting, cell)
    assert "one two three True\n" == lasting.run(ASK)
    assert before == {process.pid for process in lasting.processes()}
    assert ports == ports_in_use(ports)


def interrupted(kernel: Kernel, cell: str) -> None:
    """Run a cell, interrupt it once it has begun, and see that it was cut short."""
    request = kernel.client.execute(cell)
    while True:
        message = kernel.client.get_iopub_msg(timeout=30)
        if message["msg_type"] == "stream":
            break
    kernel.manager.interrupt_kernel()
    while True:
        reply = kernel.client.get_shell_msg(timeout=30)
        if reply["parent_header"].get("msg_id") == request:
            break
    assert "error" == reply["content"]["status"]
    try:
        while True:
            kernel.client.get_iopub_msg(timeout=0.2)
    except Empty:
        pass


def test_running_the_cell_again_replaces_the_world(lasting: Kernel) -> None:
    first = opened(lasting)
    processes = {process.pid for process in lasting.processes()}
    lasting.run(OPEN)
    assert "one two three True\n" == lasting.run(ASK)
    assert set() == ports_in_use(first)
    assert 3 == len(lasting.processes())
    assert processes != {process.pid for process in lasting.processes()}
    assert 1 == len(lasting.folders())


def test_closing_the_world_leaves_the_kernel_alone(lasting: Kernel) -> None:
    ports = opened(lasting)
    lasting.run("await world.close()")
    gone(lasting, ports)
    assert "2\n" == lasting.run("print(1 + 1)")


def test_everything_listens_on_the_loopback_only(lasting: Kernel) -> None:
    opened(lasting)
    assert {"127.0.0.1"} == {address.ip for address in lasting.listening()}


def test_the_token_is_on_no_command_line(lasting: Kernel) -> None:
    opened(lasting)
    token = lasting.run("print(world.broker.token, end='')")
    assert 48 == len(token)
    assert not [one for one in lasting.processes() if token in " ".join(one.cmdline())]
    readable = [
        file
        for folder in lasting.folders()
        for file in folder.rglob("*")
        if file.is_file() and token.encode() in file.read_bytes()
    ]
    assert readable
    assert {0o600} == {file.stat().st_mode & 0o777 for file in readable}
