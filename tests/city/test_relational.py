"""Availability on SQLAlchemy: the same city, and a model that is left as it was."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from movingparts.city.availability.model import (
    Bike,
    BikeId,
    ReservationId,
    Rider,
    RiderId,
    Stand,
    StandId,
)
from movingparts.city.availability.relational import TableStore, engine
from movingparts.city.availability.service import availability
from movingparts.city.availability.tables import TABLES
from movingparts.city.day import first_day, live_day, sleep_until
from movingparts.city.larkhaven import CONTEXTS, open_city, serve_city
from movingparts.city.synthetic import larkhaven
from movingparts.repository import MemoryRows
from movingparts.unit_of_work import RowStore
from movingparts.world import Node, Recording, simulate
from tests.contract.stores import connect

AT = datetime(2031, 5, 5, 8, tzinfo=UTC)


def on_tables(node: Node) -> FastAPI:
    return availability(node, store=TableStore(engine(node.disk.connect)))


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


def at_once(work: Coroutine[Any, Any, Any]) -> None:
    """Run what awaits nothing, in the midst of something else."""
    with pytest.raises(StopIteration):
        work.send(None)


def stand(*bikes: str) -> Stand:
    made = Stand(StandId("S1"))
    for bike in bikes:
        made.offer(BikeId(bike), AT)
    return made


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(connect(":memory:")) as found:
        yield found


@pytest.fixture
def tables(db: sqlite3.Connection) -> TableStore:
    return TableStore(engine(lambda: db))


@pytest.mark.slow
def test_an_hour_of_the_city_is_the_same_to_the_byte() -> None:
    """Whatever availability is kept in, each message is sent when it was before."""
    city = larkhaven(1, stations=4, bikes=24, riders=40, rides=250)

    def hour(contexts: Any) -> Recording:
        async def scenario(world: Any) -> Any:
            await serve_city(world, contexts)
            await open_city(world, city)
            await sleep_until(world, first_day(), 8, city)
            return await live_day(world, city, first_day(), hours=(8, 9))

        return simulate(scenario, seed=1)

    rows, tables = hour(CONTEXTS), hour({**CONTEXTS, "availability": on_tables})
    assert rows.result == tables.result
    assert rows.result.requests["ridden"] > 20
    assert rows.to_json() == tables.to_json()


def test_what_happens_lies_in_columns(
    tables: TableStore, db: sqlite3.Connection
) -> None:
    async def main() -> None:
        work = tables.begin()
        here = work.of(Stand).add(stand("B2", "B1"))
        rider = work.of(Rider).add(Rider(RiderId("R1")))
        rider.promised(here.reserve(ReservationId("r1"), RiderId("R1"), AT))
        await work.commit()
        work = tables.begin()
        here = await work.of(Stand).get("S1")
        here.withdraw(BikeId("B2"), AT)
        here.offer(BikeId("B2"), AT)
        await work.commit()

    run(main())
    found = {
        name: [tuple(row) for row in db.execute(f"SELECT {names} FROM {name}")]
        for name, names in {
            "stands": "stand_id, asked_at, version",
            "offers": "bike_id, at",
            "promises": "reservation_id",
            "riders": "rider_id, promised_bike_id, promised_until, served_bike_id",
            "bikes": "bike_id",
        }.items()
    }
    at, until = "2031-05-05 08:00:00.000000", "2031-05-05 08:10:00.000000"
    assert found == {
        "stands": [("S1", None, 6)],
        "offers": [("B1", at), ("B2", at)],
        "promises": [],
        "riders": [("R1", "B2", until, None)],
        "bikes": [],
    }


def test_only_what_has_changed_is_written(tables: TableStore) -> None:
    text: list[str] = []

    async def main() -> None:
        work = tables.begin()
        work.of(Stand).add(stand(*(f"B{number}" for number in range(9))))
        await work.commit()
        work = tables.begin()
        here = await work.of(Stand).get("S1")
        event.listen(
            tables.engine,
            "before_cursor_execute",
            lambda *published: text.append(published[2]),
        )
        here.offer(BikeId("B9"), AT)
        await work.commit()

    run(main())
    assert ["BEGIN", "UPDATE", "INSERT"] == [line.split()[0] for line in text]


def test_a_stand_is_read_as_it_was_at_one_moment(tmp_path: Path) -> None:
    """It lies in three tables; somebody writes between the reading of two of them."""
    path = str(tmp_path / "data.sqlite")
    with closing(connect(path)) as mine, closing(connect(path)) as its:
        reading, writing = (TableStore(engine(lambda db=db: db)) for db in (mine, its))
        read: list[str] = []

        async def write(bike: str) -> None:
            work = writing.begin()
            here = await work.of(Stand).find("S1") or work.of(Stand).add(stand())
            here.offer(BikeId(bike), AT)
            here.reserve(ReservationId(bike), RiderId("R1"), AT)
            await work.commit()

        run(write("B1"))

        def between(*published: Any) -> None:
            read.append(published[2])
            if read[-1].startswith("SELECT ") and len(read) > 2:
                at_once(write(f"B{len(read)}"))

        async def look() -> Stand:
            return await reading.begin().of(Stand).get("S1")

        event.listen(reading.engine, "before_cursor_execute", between)
        here = run(look())
        assert ["BEGIN", *["SELECT"] * 3] == [line.split()[0] for line in read]
        assert "<Stand S1: 1 bikes offered, 1 promised>" == repr(here)
        event.remove(reading.engine, "before_cursor_execute", between)
        assert "<Stand S1: 3 bikes offered, 3 promised>" == repr(run(look()))


def test_a_commit_that_failed_fails_again_and_what_it_wanted_can_be_looked_at(
    tmp_path: Path,
) -> None:
    """What SQLAlchemy would write the second time would not be all that happened."""
    path = str(tmp_path / "data.sqlite")
    with closing(connect(path, timeout=0)) as mine, closing(connect(path)) as its:
        store = TableStore(engine(lambda: mine))

        async def main() -> None:
            work = store.begin()
            work.of(Stand).add(stand("B1"))
            await work.commit()
            work = store.begin()
            here = await work.of(Stand).get("S1")
            here.withdraw(BikeId("B1"), AT)
            new = work.of(Rider).add(Rider(RiderId("R1")))
            new.admit(False)
            its.execute("BEGIN IMMEDIATE")
            with pytest.raises(OperationalError, match="database is locked"):
                await work.commit()
            its.rollback()
            with pytest.raises(OperationalError, match="database is locked"):
                await work.commit()  # though it is locked no more
            assert "<Stand S1: 0 bikes offered, 0 promised>" == repr(here)
            assert (1, 1) == (len(here.events), len(new.events))
            assert {"B1": AT} == dict((await store.begin().of(Stand).get("S1")).bikes)
            assert await store.begin().of(Rider).find("R1") is None

        run(main())


def test_the_model_is_left_as_it_was(tables: TableStore) -> None:
    """Before, while and after: what another store has is the model's own."""

    async def save(store: Any) -> Stand:
        work = store.begin()
        for kind, key in ((Stand, "S1"), (Rider, "R1"), (Bike, "B1")):
            assert await work.of(kind).find(key) is None
        work.of(Stand).add(stand("B1"))
        await work.commit()
        found: Stand = await store.begin().of(Stand).get("S1")
        return found

    def state(store: Any) -> tuple[type, dict[str, Any]]:
        found = run(save(store))
        return type(found), vars(found)

    before = {kind: dict(vars(kind)) for kind in (Stand, Rider, Bike)}
    kind, plain = state(RowStore(MemoryRows()))
    assert (Stand, {"B1": AT}) == (kind, plain["bikes"])
    mine = stand("B1")
    tables.begin().of(Stand).add(mine)
    assert {"B1": AT} == dict(mine.bikes)
    assert "bikes" not in vars(mine)  # SQLAlchemy has it, and there is no second one
    kept = run(save(tables))
    assert isinstance(kept, Stand)
    assert Stand is not type(kept)
    assert (kind, plain) == state(RowStore(MemoryRows()))
    assert before == {kind: dict(vars(kind)) for kind in (Stand, Rider, Bike)}
    assert {"stand_id", "bikes", "promised", "asked_at", "events"} == set(
        vars(stand("B1"))
    )


def test_stores_share_no_rows() -> None:
    async def main(one: TableStore, other: TableStore) -> None:
        work = one.begin()
        work.of(Stand).add(stand("B1"))
        await work.commit()
        assert await other.begin().of(Stand).find("S1") is None

    with closing(connect(":memory:")) as mine, closing(connect(":memory:")) as its:
        run(main(TableStore(engine(lambda: mine)), TableStore(engine(lambda: its))))


def test_a_unit_of_work_says_what_it_has_read_and_what_happened(
    tables: TableStore,
) -> None:
    work = tables.begin()
    assert "<TableWork: nothing read, nothing happened>" == repr(work)
    work.of(Stand).add(stand("B1", "B2"))
    assert "<TableWork: Stand S1 read, 2 happened>" == repr(work)
    run(work.commit())
    assert "<TableWork: Stand S1 read, nothing happened>" == repr(work)


def test_opening_a_store_twice_makes_its_tables_once(db: sqlite3.Connection) -> None:
    for _ in range(2):
        TableStore(engine(lambda: db))
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    assert sorted(TABLES.tables) == [row[0] for row in db.execute(query)]
