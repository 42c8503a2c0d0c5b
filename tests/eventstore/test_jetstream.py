"""What the store on JetStream does where a replica lags behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from movingparts.bus import BusError, BusTimeout
from movingparts.bus.jetstream import connect
from movingparts.eventstore import NewEvent
from movingparts.eventstore.direct import DirectClient, Raw
from movingparts.eventstore.jetstream import JetStreamEventStore
from movingparts.world.local.clock import RealClock
from tests.bus.rigs import TOKEN, nats_server

pytestmark = pytest.mark.slow


class Lagging(DirectClient):
    """A client whose reads are answered by a replica that lacks the last messages."""

    lacks, looks = 0, 0

    async def messages(
        self, stream: str, take: Callable[[list[Raw]], object], **options: Any
    ) -> int:
        found: list[Raw] = []
        pending = await super().messages(stream, found.extend, **options)
        self.looks += 1
        if self.looks % 3 == 0:
            self.lacks = max(0, self.lacks - 1)
        take(found[: len(found) - self.lacks])
        return pending


def run(
    folder: Path,
    scenario: Callable[[Lagging, JetStreamEventStore], Coroutine[Any, Any, None]],
) -> None:
    async def main() -> None:
        with nats_server(folder) as url:
            client = Lagging()
            await connect(url, token=TOKEN, client=client)
            try:
                clock = RealClock()
                await scenario(client, JetStreamEventStore(client, clock, every=0.001))
            finally:
                await client.close()

    asyncio.run(main())


async def filled(store: JetStreamEventStore) -> None:
    await store.declare()
    for version in range(3):
        event = NewEvent(f"e{version}", "RideStarted", {})
        await store.append("ride-1", [event], expected_version=version)


def test_who_has_appended_reads_it_although_a_replica_lags(tmp_path: Path) -> None:
    async def scenario(client: Lagging, store: JetStreamEventStore) -> None:
        await filled(store)
        client.lacks = 2
        assert [1, 2, 3] == [each.version for each in await store.read("ride-1")]
        assert client.looks > 1

    run(tmp_path, scenario)


def test_a_replica_that_never_catches_up_is_said_so(tmp_path: Path) -> None:
    async def scenario(client: Lagging, store: JetStreamEventStore) -> None:
        await filled(store)
        client.lacks = 1_000
        with pytest.raises(BusTimeout, match="read ride-1: no replica has what"):
            await store.read("ride-1")

    run(tmp_path, scenario)


def test_a_log_that_was_not_declared_is_said_so(tmp_path: Path) -> None:
    async def scenario(client: Lagging, store: JetStreamEventStore) -> None:
        event = NewEvent("e1", "RideStarted", {})
        works: list[Coroutine[Any, Any, Any]] = [
            store.append("ride-1", [event], expected_version=0),
            store.read("ride-1"),
            store.read_all(),
            store.streams(),
        ]
        for work in works:
            with pytest.raises(BusError):
                await work

    run(tmp_path, scenario)
