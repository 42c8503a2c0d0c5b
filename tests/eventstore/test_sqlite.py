"""What the store in an SQLite file does beyond the contract of all stores."""

from __future__ import annotations

import asyncio
import fcntl
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from movingparts.eventstore import ANY, NewEvent, SqliteEventStore
from movingparts.eventstore.group import GroupCommit
from movingparts.eventstore.queue import WriterQueue
from movingparts.world.local.clock import RealClock

FULL, NORMAL = 2, 1  # what `PRAGMA synchronous` answers


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        yield db


def event(name: str) -> NewEvent:
    return NewEvent(name, "RideStarted", {})


@pytest.mark.parametrize(
    ("options", "level"), [({}, FULL), ({"synchronous": "NORMAL"}, NORMAL)]
)
def test_a_commit_waits_for_the_disk_unless_told_otherwise(
    db: sqlite3.Connection, options: Any, level: int
) -> None:
    db.execute("PRAGMA synchronous=OFF")
    SqliteEventStore(db, RealClock(), **options)
    assert (level,) == db.execute("PRAGMA synchronous").fetchone()


@pytest.mark.parametrize("change", ["UPDATE events SET data = 1", "DELETE FROM events"])
def test_nobody_changes_what_is_in_the_log(db: sqlite3.Connection, change: str) -> None:
    store = SqliteEventStore(db, RealClock())
    asyncio.run(store.append("ride-1", [event("a")], expected_version=0))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(change)


def test_a_transaction_waits_for_the_lock_before_it_reads(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    store = SqliteEventStore(db, RealClock())
    db.execute("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(sqlite3.OperationalError, match="locked"),
            store.transaction(),
        ):
            pytest.fail("what it reads now may be old when it writes")
        other.rollback()


def free(path: Path) -> bool:
    """Return whether nobody holds the lock on a file."""
    with path.open() as file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def test_a_queue_lets_in_one_at_a_time(tmp_path: Path) -> None:
    queue = tmp_path / "log.queue"
    with WriterQueue(queue):
        assert not free(queue)
    assert free(queue)


def test_whoever_waits_is_let_in_before_the_last_one_again(tmp_path: Path) -> None:
    path, let_in = tmp_path / "log.queue", list[str]()

    def other() -> None:
        with WriterQueue(path):
            let_in.append("the one who waited")

    waiting = threading.Thread(target=other)
    with WriterQueue(path):
        waiting.start()
        while free(path.with_name("log.queue.gate")):
            pass  # until it stands in the gate
    with WriterQueue(path):
        let_in.append("the last one")
    waiting.join()
    assert ["the one who waited", "the last one"] == let_in


def test_appends_that_come_together_share_a_commit(db: sqlite3.Connection) -> None:
    store, done = GroupCommit(SqliteEventStore(db, RealClock())), list[str]()
    db.set_trace_callback(done.append)

    async def scenario() -> None:
        for _ in range(2):
            await asyncio.gather(
                *(
                    store.append("ride-1", [event("a")], expected_version=version)
                    for version in range(8)
                ),
                return_exceptions=True,
            )

    asyncio.run(scenario())
    assert 2 == done.count("COMMIT")


@pytest.mark.parametrize("bad", [{1}, math.nan, "\ud83d"])
def test_one_that_cannot_be_written_leaves_the_others_of_its_group(
    db: sqlite3.Connection, bad: Any
) -> None:
    store = GroupCommit(SqliteEventStore(db, RealClock()))

    async def scenario() -> None:
        wrong = NewEvent(f"b{bad}", "RideStarted", bad)
        became = await asyncio.gather(
            store.append("ride-1", [event("a"), wrong], expected_version=0),
            store.append("ride-2", [event("c")], expected_version=0),
            return_exceptions=True,
        )
        assert isinstance(became[0], TypeError | ValueError)
        assert ["c"] == [each.id for each in await store.read_all()]

    asyncio.run(scenario())


def test_if_a_group_is_not_committed_every_caller_is_told(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    store = GroupCommit(SqliteEventStore(db, RealClock()))

    async def together(*names: str) -> list[Any]:
        appends = (
            store.append(name, [event(name)], expected_version=ANY) for name in names
        )
        return await asyncio.gather(*appends, return_exceptions=True)

    async def scenario() -> None:
        db.execute("PRAGMA busy_timeout=0")
        with closing(sqlite3.connect(tmp_path / "log.sqlite")) as other:
            other.execute("BEGIN IMMEDIATE")
            failed = await together("a", "b")
            other.rollback()
        assert [sqlite3.OperationalError] * 2 == [type(each) for each in failed]
        assert [1, 2] == await together("c", "d")
        assert ["c", "d"] == await store.streams()

    asyncio.run(scenario())
