"""The store on JetStream with three copies: its leader is killed while many append."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import pairwise
from typing import TypeVar

import pytest

from movingparts.core.bus import BusError
from movingparts.eventstore import ConcurrencyConflict, NewEvent, StoredEvent
from movingparts.eventstore.direct import DirectClient
from movingparts.eventstore.jetstream import JetStreamEventStore
from movingparts.world.local.clock import RealClock
from movingparts.world.local.cluster import Cluster

pytestmark = pytest.mark.slow

T = TypeVar("T")
STREAM, WRITERS, AFTER = "ride-1", 4, 20  # events after the leader is gone


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until there is an answer; the same append may be sent again."""
    while True:
        with contextlib.suppress(BusError):
            return await ask()
        await asyncio.sleep(0.02)


async def opened(cluster: Cluster) -> JetStreamEventStore:
    """A store over a connection of its own, as another service would have it."""
    client = await cluster.connect(DirectClient())
    return JetStreamEventStore(client, RealClock(), timeout=1.0)


async def caught_up(
    ask: Callable[[], Awaitable[list[StoredEvent]]], wanted: set[str]
) -> list[StoredEvent]:
    """Read until these events are there, for ten seconds: a replica may lag."""
    found = await insist(ask)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while not wanted <= {each.id for each in found}:
                found = await insist(ask)
    return found


class Writer:
    """Appends to the one stream again and again, each time after what it has read."""

    def __init__(self, name: str, store: JetStreamEventStore) -> None:
        self.name, self.store = name, store
        self.acknowledged: list[str] = []
        self.ends = False

    async def write(self) -> None:
        """Append until told to end; a conflict is read again, no answer sent again.

        In Python 3.11, `wait_for` may lose a cancellation, and nats-py waits with it.
        """
        number = 0
        while not self.ends:
            version = len(await insist(lambda: self.store.read(STREAM)))
            event = NewEvent(f"{self.name}-{number}", "RideStarted", {})
            append = partial(
                self.store.append, STREAM, [event], expected_version=version
            )
            with contextlib.suppress(ConcurrencyConflict):
                await insist(append)
                self.acknowledged.append(event.id)
                number += 1


async def grown(writers: list[Writer], count: int) -> None:
    """Wait until so many more appends were acknowledged."""
    enough = sum(len(each.acknowledged) for each in writers) + count
    while sum(len(each.acknowledged) for each in writers) < enough:
        await asyncio.sleep(0.02)


def test_what_three_servers_acknowledged_outlives_their_leader() -> None:
    async def main() -> None:
        async with asyncio.timeout(60), Cluster() as cluster:
            stores = [await opened(cluster) for _ in range(WRITERS)]
            await insist(lambda: stores[0].declare(replicas=3))
            writers = [Writer(f"w{n}", store) for n, store in enumerate(stores)]
            async with asyncio.TaskGroup() as group:
                for each in writers:
                    group.create_task(each.write())
                await grown(writers, AFTER)
                cluster.servers[await cluster.leader("events")].kill()
                await grown(writers, AFTER)
                for each in writers:
                    each.ends = True
            fresh = await opened(cluster)
            acknowledged = {id_ for each in writers for id_ in each.acknowledged}
            found = await caught_up(lambda: fresh.read(STREAM), acknowledged)
            whole = await caught_up(fresh.read_all, {each.id for each in found})
            for store in (*stores, fresh):
                await store._connection.close()
        ids = [each.id for each in found]
        assert set() == acknowledged - set(ids), "an acknowledged event is lost"
        assert len(set(ids)) == len(ids), "an event is there twice"
        assert [*range(1, len(ids) + 1)] == [each.version for each in found]
        assert ids == [each.id for each in whole]
        assert all(a.position < b.position for a, b in pairwise(found))

    asyncio.run(main())
