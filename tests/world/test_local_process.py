"""What a spawned service's process tells the kernel, to its last moment."""

import asyncio
from typing import Any

from movingparts.world.local.process import Child

SETTINGS: dict[str, Any] = {"name": "truck", "number": 1, "origin_ns": 0}


class Connection:
    """A connection whose flush takes as long as the test wants."""

    is_connected, max_payload = True, 1_000_000

    def __init__(self) -> None:
        self.begun, self.ends = asyncio.Event(), asyncio.Event()
        self.outcomes: list[str] = []

    async def publish(self, subject: str, payload: bytes) -> None:
        """Take a report."""

    async def flush(self) -> None:
        """Wait for the broker."""
        self.begun.set()
        try:
            await self.ends.wait()
        except asyncio.CancelledError:
            self.outcomes.append("cut off")
            raise
        self.outcomes.append("flushed")


async def leaves_while_reporting(connection: Connection) -> None:
    child = Child(SETTINGS)
    reporting = asyncio.create_task(child.report_often(connection))
    await connection.begun.wait()
    leaving = asyncio.create_task(child.last_report(connection, reporting))
    await asyncio.sleep(0)
    connection.ends.set()
    await leaving


def test_a_report_under_way_is_not_cut_off_at_the_end() -> None:
    """After a flush that was cancelled, nats-py fails at the broker's answer to it."""
    connection = Connection()
    asyncio.run(leaves_while_reporting(connection))
    assert ["flushed", "flushed"] == connection.outcomes
