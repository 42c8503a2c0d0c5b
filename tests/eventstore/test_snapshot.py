"""Snapshots save reading; they never change what is read."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.eventstore import MemoryEventStore, NewEvent, StoredEvent
from movingparts.eventstore.snapshot import Snapshot, Snapshots, load


@dataclass
class Dock:
    bikes: list[str] = field(default_factory=list)


def apply(dock: Dock, event: StoredEvent) -> Dock:
    change = dock.bikes.append if event.type == "BikeDocked" else dock.bikes.remove
    change(event.data)
    return dock


class Counted(MemoryEventStore):
    """A log that counts the events it gives out."""

    given = 0

    async def read(self, stream: str, *, from_version: int = 0) -> list[StoredEvent]:
        found = await super().read(stream, from_version=from_version)
        self.given += len(found)
        return found


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        yield db


def docked(number: int) -> list[NewEvent]:
    return [NewEvent(f"e{n}", "BikeDocked", f"B{n}") for n in range(number)]


async def log_of(number: int) -> Counted:
    log = Counted()
    await log.append("dock-1", docked(number), expected_version=0)
    return log


async def bikes(log: Counted, snapshots: Snapshots[Dock], every: int = 10) -> int:
    found = await load(log, "dock-1", snapshots, Dock, apply, every=every)
    assert len(found.state.bikes) == found.version
    return found.version


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def test_reads_only_what_came_after_the_snapshot(db: sqlite3.Connection) -> None:
    async def scenario() -> None:
        log, snapshots = await log_of(25), Snapshots(db, Dock, schema=1)
        assert 25 == await bikes(log, snapshots)
        more = [NewEvent("e26", "BikeDocked", "B26")]
        await log.append("dock-1", more, expected_version=25)
        assert 26 == await bikes(log, Snapshots(db, Dock, schema=1))
        assert 25 + 1 == log.given

    run(scenario)


@pytest.mark.parametrize(("every", "given"), [(25, 25), (26, 50)])
def test_takes_a_snapshot_after_so_many_events(
    db: sqlite3.Connection, every: int, given: int
) -> None:
    async def scenario() -> None:
        log, snapshots = await log_of(25), Snapshots(db, Dock, schema=1)
        for _ in range(2):
            await bikes(log, snapshots, every)
        assert given == log.given

    run(scenario)


@pytest.mark.parametrize("schema", [1, 3])
def test_a_snapshot_of_another_schema_is_ignored_and_replaced(
    db: sqlite3.Connection, schema: int
) -> None:
    async def scenario() -> None:
        log = await log_of(25)
        Snapshots(db, dict[str, int], schema=schema).save(
            "dock-1", Snapshot(99, {"bikes": 99})
        )
        for _ in range(2):
            assert 25 == await bikes(log, Snapshots(db, Dock, schema=2))
        assert 25 == log.given

    run(scenario)


def test_a_late_snapshot_does_not_replace_a_newer_one(db: sqlite3.Connection) -> None:
    snapshots = Snapshots(db, Dock, schema=1)
    for version in (7, 5):
        snapshots.save("dock-1", Snapshot(version, Dock([f"B{version}"])))
    assert Snapshot(7, Dock(["B7"])) == snapshots.find("dock-1")
    assert None is snapshots.find("dock-2")


CHANGES = st.lists(st.tuples(st.booleans(), st.integers(1, 4)), max_size=20)


@given(changes=CHANGES, every=st.integers(1, 5))
def test_with_snapshots_the_state_is_what_all_events_make_it(
    changes: list[Any], every: int
) -> None:
    async def scenario() -> None:
        log = MemoryEventStore()
        with closing(sqlite3.connect(":memory:")) as db:
            snapshots = Snapshots(db, Dock, schema=1)
            for number, (leaves, bike) in enumerate(changes):
                found = await load(log, "d", snapshots, Dock, apply, every=every)
                there = f"{bike}" in found.state.bikes
                kind = "BikeLeft" if leaves and there else "BikeDocked"
                event = NewEvent(f"{number}", kind, f"{bike}")
                await log.append("d", [event], expected_version=found.version)
            found = await load(log, "d", snapshots, Dock, apply, every=every)
        state = Dock()
        for each in await log.read("d"):
            state = apply(state, each)
        assert (len(changes), state) == (found.version, found.state)

    run(scenario)
