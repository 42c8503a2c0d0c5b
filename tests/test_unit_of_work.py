"""Units of work, beyond what tests/contract/test_store.py covers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import ValidationError

from movingparts.repository import MemoryRows, RecordedEvent, Row, StaleVersion
from movingparts.unit_of_work import RowStore, UnitOfWork, execute


@dataclass(frozen=True, slots=True)
class Counted:
    """It was counted."""

    by: int


@dataclass(eq=False)
class Counter:
    """An aggregate of one number, from another domain than the city's."""

    name: str
    count: int = 0

    def __post_init__(self) -> None:
        self.events: list[Counted] = []

    @property
    def key(self) -> str:
        return self.name

    def add(self, by: int = 1) -> int:
        self.count += by
        self.events.append(Counted(by))
        return self.count


class FussyRows(MemoryRows):
    """Rows that are stale so many times, whatever was read."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left, self.written = times, 0

    def write(self, rows: Sequence[Row]) -> None:
        self.written += 1
        if self.left:
            self.left -= 1
            raise StaleVersion("somebody was faster")
        super().write(rows)


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


async def count(work: UnitOfWork) -> int:
    counters = work.of(Counter)
    return (await counters.find("c") or counters.add(Counter("c"))).add()


def test_a_unit_of_work_says_what_it_has_read_and_what_happened() -> None:
    work = RowStore(MemoryRows()).begin()
    assert "<Work: nothing read, nothing happened>" == repr(work)
    run(count(work))
    assert "<Work: Counter c read, 1 happened>" == repr(work)
    run(work.commit())
    assert "<Work: Counter c read, nothing happened>" == repr(work)


def test_state_is_json_by_the_fields_of_the_aggregate() -> None:
    rows = MemoryRows()
    run(execute(RowStore(rows), count))
    assert (1, b'{"name":"c","count":1}') == rows.read("Counter", "c")


def test_state_that_is_none_of_its_kind_raises_where_it_is_read() -> None:
    rows = MemoryRows()
    rows.write([Row("Counter", "c", 0, 1, b'{"name":"c","count":"many"}', ())])
    with pytest.raises(ValidationError, match="count"):
        run(RowStore(rows).begin().of(Counter).find("c"))


# --- execute -----------------------------------------------------------------------


@pytest.mark.parametrize("times", [0, 1, 9])
def test_a_command_is_decided_again_until_nobody_was_faster(times: int) -> None:
    rows, reported = FussyRows(times), []

    async def publish(recorded: Sequence[RecordedEvent]) -> None:
        reported.append((rows.read("Counter", "c"), *recorded))

    assert 1 == run(execute(RowStore(rows), count, publish=publish))
    assert times + 1 == rows.written
    kept = rows.read("Counter", "c")
    assert [(kept, RecordedEvent("Counter", "c", 1, Counted(1)))] == reported


def test_after_the_last_attempt_it_gives_up_and_publishes_nothing() -> None:
    rows, reported = FussyRows(3), []

    async def publish(recorded: Sequence[RecordedEvent]) -> None:
        reported.append(recorded)

    with pytest.raises(StaleVersion, match=r"^somebody was faster$"):
        run(execute(RowStore(rows), count, publish=publish, attempts=3))
    assert (3, [], []) == (rows.written, reported, rows.keys("Counter"))
    assert 1 == run(execute(RowStore(rows), count, publish=publish, attempts=1))


def test_ten_attempts_by_default() -> None:
    rows = FussyRows(10)
    with pytest.raises(StaleVersion):
        run(execute(RowStore(rows), count))
    assert 10 == rows.written


def test_no_attempt_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"^attempts is at least 1, got 0$"):
        run(execute(RowStore(MemoryRows()), count, attempts=0))


def test_what_a_command_raises_is_raised_at_once_and_nothing_is_saved() -> None:
    rows, decided = FussyRows(0), []

    async def refuse(work: UnitOfWork) -> None:
        decided.append(await count(work))
        raise LookupError("no such counter")

    with pytest.raises(LookupError, match=r"^no such counter$"):
        run(execute(RowStore(rows), refuse))
    assert ([1], 0) == (decided, rows.written)


def test_where_nothing_happened_nothing_is_written_and_that_is_reported() -> None:
    rows, reported = FussyRows(1), []

    async def look(work: UnitOfWork) -> bool:
        return await work.of(Counter).find("c") is None

    async def publish(recorded: Sequence[RecordedEvent]) -> None:
        reported.append(recorded)

    assert run(execute(RowStore(rows), look, publish=publish))
    assert ([()], 0) == (reported, rows.written)


def test_what_telling_raises_does_not_undo_what_is_saved() -> None:
    """It is saved, and not published; that is what an outbox is for (chapter 06)."""
    rows = FussyRows(0)

    async def publish(recorded: Sequence[RecordedEvent]) -> None:
        raise ConnectionError("the bus is away")

    with pytest.raises(ConnectionError):
        run(execute(RowStore(rows), count, publish=publish))
    assert (1, ["c"]) == (rows.written, rows.keys("Counter"))
