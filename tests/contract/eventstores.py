"""Every event store there is, each with places in which it keeps its log."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    closing,
)
from pathlib import Path
from typing import Any, cast

import pytest

from movingparts.bus.jetstream import connect as connect_nats
from movingparts.eventstore import EventStore, MemoryEventStore, SqliteEventStore
from movingparts.eventstore.direct import DirectClient
from movingparts.eventstore.group import GroupCommit
from movingparts.eventstore.jetstream import JetStreamEventStore
from movingparts.eventstore.queue import WriterQueue
from movingparts.world.local.clock import RealClock
from tests.bus.rigs import TOKEN
from tests.contract.stores import connect

Open = Callable[[], Awaitable[EventStore]]
"""Opens the place once more, as another service or another process would."""

Place = Callable[[], AbstractAsyncContextManager[Open]]
"""Makes a new, empty place."""

SOON = 0.001  # seconds between two looks of a subscriber


def forever(store: EventStore, **options: Any) -> AsyncGenerator[Any, None]:
    """Subscribe; the subscription can be closed."""
    return cast("AsyncGenerator[Any, None]", store.subscribe(**options))


def in_memory(request: pytest.FixtureRequest) -> Place:
    """A list, which all share."""

    @asynccontextmanager
    async def place() -> AsyncIterator[Open]:
        store = MemoryEventStore()

        async def another() -> EventStore:
            return store

        yield another

    return place


def in_a_file(
    open_store: Callable[[sqlite3.Connection, Path], EventStore],
) -> Callable[[pytest.FixtureRequest], Place]:
    """A file, with a connection for each user, which waits for no lock."""

    def in_folders(request: pytest.FixtureRequest) -> Place:
        folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")

        @asynccontextmanager
        async def place() -> AsyncIterator[Open]:
            with ExitStack() as stack:
                file = folders.mktemp("log") / "log.sqlite"

                async def another() -> EventStore:
                    db = stack.enter_context(closing(connect(str(file), timeout=0)))
                    return open_store(db, file)

                yield another

        return place

    return in_folders


def sqlite(db: sqlite3.Connection, file: Path) -> SqliteEventStore:
    """One process: none waits for a lock, for none is held while one awaits."""
    return SqliteEventStore(db, RealClock(), every=SOON)


def queued(db: sqlite3.Connection, file: Path) -> SqliteEventStore:
    """As several processes have it."""
    queue = WriterQueue(file.with_suffix(".queue"))
    return SqliteEventStore(db, RealClock(), every=SOON, queue=queue)


def on_jetstream(request: pytest.FixtureRequest) -> Place:
    """A stream on a broker, with a connection for each user."""
    url, names = request.getfixturevalue("broker"), itertools.count()
    test = "".join(filter(str.isalnum, request.node.name))

    @asynccontextmanager
    async def place() -> AsyncIterator[Open]:
        name = f"{test}-{next(names)}"[-200:]
        async with AsyncExitStack() as stack:

            async def another() -> EventStore:
                client = DirectClient()
                await connect_nats(url, token=TOKEN, client=client)
                stack.push_async_callback(client.close)
                store = JetStreamEventStore(client, RealClock(), name, every=SOON)
                await store.declare()
                return store

            yield another

    return place


PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "memory": in_memory,
    "sqlite": in_a_file(sqlite),
    "sqlite, with a queue": in_a_file(queued),
    "sqlite, in groups": in_a_file(lambda db, file: GroupCommit(sqlite(db, file))),
    "jetstream": on_jetstream,
}
