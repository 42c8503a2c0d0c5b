"""Functions that do harm, on real processes: to themselves, and to others.

Source: chapter 11.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from movingparts.core.node import Node
from movingparts.function import FunctionError, Platform
from movingparts.world import Table

if TYPE_CHECKING:
    from movingparts.function.local import LocalBackend

COUNT_IN_A_FILE = """
from pathlib import Path

counter = Path("number")

def handler(event, context):
    number = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(number))
    return number
"""

SOURCE = """
import os, signal, socket, time

def tried(port):
    {body}

def handler(event, context):
    return tried(event["port"]) if event else "fine"
"""
HARM = {
    "raises an exception": 'raise ValueError("no such ride")',
    "never ends": "while True: pass",
    "takes 1 GB of memory": "return len(bytearray(1 << 30))",
    "ends its process": "os._exit(3)",
    "is killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "leaves a child running": "return 'forked' if os.fork() else time.sleep(600)",
}
TRIES = {
    "write into its own folder": "open('note', 'w').write('mine')",
    "list the folders of other instances": "os.listdir('..')",
    "open a TCP connection": "socket.create_connection(('127.0.0.1', port)).close()",
}


async def count_in_a_file(node: Node, backend: LocalBackend) -> dict[str, list[int]]:
    """Return the numbers that instances count in files of their own."""
    platform = Platform(node, backend)
    await platform.deploy("receipts", COUNT_IN_A_FILE, keep_warm=0.1)

    async def ask() -> int:
        done = await platform.invoke("receipts", {})
        return int(done.value)

    found = {"one after another": [await ask() for _ in range(3)]}
    found["two at once"] = list(await asyncio.gather(ask(), ask()))
    while backend.pids:
        await node.clock.sleep(0.02)
    found["once those have ended"] = [await ask()]
    await platform.close()
    return found


async def harm(node: Node, backend: LocalBackend) -> Table:
    """Return how each harm is reported, and what becomes of the next event."""
    platform = Platform(node, backend)
    rows: list[tuple[str, ...]] = []
    for number, (what, body) in enumerate(HARM.items()):
        name = f"harm-{number}"
        await platform.deploy(name, SOURCE.format(body=body), timeout=0.5)
        done = await platform.invoke(name, {"port": 0})
        after = await platform.invoke(name, {})
        where = "in a new process" if after.cold else "in the same process"
        rows.append((what, done.status, f"{after.value}, {where}"))
    await platform.close()
    return Table(("the function", "status", "next event"), rows)


async def tries(node: Node, *backends: LocalBackend | None) -> Table:
    """Return what instances may do on each backend; None is one that isn't there."""
    rows = [
        (what, *[await tried(node, b, TRIES[what]) for b in backends]) for what in TRIES
    ]
    return Table(("an instance may", "with limits", "with Landlock"), rows)


async def tried(node: Node, backend: LocalBackend | None, body: str) -> str:
    """Return whether an instance could do something."""
    if backend is None:
        return "not on this system"
    platform = Platform(node, backend)
    await platform.deploy("tries", SOURCE.format(body=body))
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = await platform.invoke("tries", {"port": server.getsockname()[1]})
    await platform.close()
    if done.status == "ok":
        return "yes"
    return "no" if "PermissionError" in done.error else done.error


def confined() -> LocalBackend | None:
    """Return a backend whose instances Landlock confines, if this system has it."""
    from movingparts.function.local import LocalBackend

    try:
        return LocalBackend(confine=True)
    except FunctionError:
        return None
