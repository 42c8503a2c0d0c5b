"""The ride of chapter 06 on Temporal: its worker is killed, and another one finishes.

`python -m bench temporal` runs this and writes what it saw into bench/measured/06.json,
under "temporal". `python -m bench.temporal FOLDER STEP ADDRESS` is the worker.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.measure import MEASURED, here
from bench.table import Row
from movingparts.scenes.ch06.resumed import RIDE, STEPS, Services, resumed
from movingparts.world.local.watchdog import Watchdog

QUEUE = "rides"
LIMIT = timedelta(seconds=2)  # of a step: then Temporal tries it again
AGAIN = RetryPolicy(initial_interval=timedelta(milliseconds=100))
START = 20.0  # seconds until the server must listen


@workflow.defn
class StartRide:
    """The saga, which Temporal takes on after a crash."""

    @workflow.run
    async def run(self, ride: str) -> None:
        """Do one step after the other."""
        for step in STEPS:
            await workflow.execute_activity(
                "do",
                f"{ride}/{step}",
                start_to_close_timeout=LIMIT,
                retry_policy=AGAIN,
            )


async def work(folder: Path, fatal: str, address: str) -> None:
    """Run the ride to its end, unless the process is killed."""
    services = Services(folder, fatal)

    @activity.defn
    async def do(key: str) -> None:
        services.do(key)

    client = await Client.connect(address)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[StartRide],
        activities=[do],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,  # so the server does not wait for the dead worker
    ):
        await client.execute_workflow(
            StartRide.run,
            RIDE,
            id=RIDE,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


@contextmanager
def temporal_server() -> Iterator[str]:
    """Run Temporal's development server on loopback; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    program = shutil.which("temporal", path=here) or "temporal"
    where = ["--ip", "127.0.0.1", "--port", port, "--headless", "--log-level", "never"]
    watchdog = Watchdog()
    server = subprocess.Popen(
        [program, "server", "start-dev", *where],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"TEMPORAL_VERSION_CHECK_DISABLED": "1"},
    )
    watchdog.own_process(server.pid)
    try:
        _wait(server, int(port))
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(START)
        watchdog.release_process(server.pid)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + START
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def timed(module: str, *more: str) -> tuple[dict[str, Any], float]:
    """Return what came of the ride, and the seconds that its two processes took."""
    begun = time.perf_counter()
    return resumed(module, *more), time.perf_counter() - begun


def rows() -> list[Row]:
    """Run the ride on both, and write what Temporal did."""
    with temporal_server() as address:
        found, temporal = timed("bench.temporal", address)
    _, dbos = timed("movingparts.scenes.ch06.on_dbos")
    file = MEASURED / "06.json"
    before = json.loads(file.read_text("utf-8")) if file.exists() else {}
    text = json.dumps(before | here() | {"temporal": found}, indent=2)
    file.write_text(text + "\n", "utf-8")
    name = "ride killed and finished, Temporal / DBOS"
    return [Row(name, temporal, dbos, temporal / dbos, "", "s")]


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), *sys.argv[2:]))
    os._exit(0)  # the client's threads may abort an interpreter that is ending
