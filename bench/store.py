"""Aggregates against dictionaries, units of work against bare sqlite3, and tables."""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.table import Row, interleaved
from movingparts.city.availability.model import (
    BikeId,
    ReservationId,
    RiderId,
    Stand,
    StandId,
)
from movingparts.city.availability.relational import TableStore, engine
from movingparts.repository import READ, UPDATE, SqliteRows
from movingparts.unit_of_work import RowStore, Store, UnitOfWork, execute

BIKES = 12  # at a stand: half of Larkhaven's docks are full
COMMANDS, COMMITS = 30_000, {"NORMAL": 3_000, "FULL": 600}
ON_TABLES = 10  # so many times fewer commits, for a store that takes longer
ROUNDS = 7
NOW = datetime(2031, 5, 5, 8, tzinfo=UTC)
NAME = ("Stand", "S01")
Make = Callable[[sqlite3.Connection], Store]


def stand() -> Stand:
    """Return a stand with bikes, to which nothing has happened."""
    made = Stand(StandId("S01"))
    for number in range(BIKES):
        made.offer(BikeId(f"B{number:03}"), NOW)
    return made


# --- commands, in memory ----------------------------------------------------------


def aggregate() -> float:
    """Commands a second to a stand, which keeps its rules and says what happened."""
    here = stand()
    reservation, rider = ReservationId("r1"), RiderId("R1")
    begun = time.perf_counter()
    for _ in range(COMMANDS // 3):
        promised = here.reserve(reservation, rider, NOW)
        here.collect(reservation, rider, NOW)
        here.offer(promised.bike_id, NOW)
        here.events.clear()
    return COMMANDS / (time.perf_counter() - begun)


def dictionaries() -> float:
    """The same on dictionaries: the same searches, no classes, and no events."""
    bikes = {f"B{number:03}": NOW for number in range(BIKES)}
    promised: dict[str, dict[str, Any]] = {}
    begun = time.perf_counter()
    for _ in range(COMMANDS // 3):
        bike = reserve(bikes, promised, "r1", "R1")
        collect(bikes, promised, "r1", "R1")
        if bike not in bikes:
            bikes[bike] = NOW
    return COMMANDS / (time.perf_counter() - begun)


def reserve(bikes: dict[str, datetime], promised: Any, key: str, rider: str) -> str:
    """Promise the bike that has stood here longest."""
    lapse(promised)
    held = {bike for bike, promise in promised.items() if promise["until"] > NOW}
    free = [bike for bike in bikes if bike not in held]
    if not free:
        raise ValueError("no bike is left")
    until = NOW + timedelta(minutes=10)
    promised[free[0]] = {"id": key, "rider": rider, "bike": free[0], "until": until}
    return free[0]


def collect(bikes: dict[str, datetime], promised: Any, key: str, rider: str) -> None:
    """Keep a promise."""
    lapse(promised)
    mine = next((p for p in promised.values() if p["id"] == key), None)
    if mine is None or mine["rider"] != rider:
        raise ValueError("it does not hold")
    del promised[mine["bike"]], bikes[mine["bike"]]


def lapse(promised: dict[str, dict[str, Any]]) -> None:
    """Let go of promises whose time is over."""
    for promise in list(promised.values()):
        if promise["until"] <= NOW:
            del promised[promise["bike"]]


# --- commits, to a file -----------------------------------------------------------


def in_rows(db: sqlite3.Connection) -> Store:
    """Keep an aggregate a row."""
    return RowStore(SqliteRows(db))


def in_tables(db: sqlite3.Connection) -> Store:
    """Keep it in tables, through SQLAlchemy."""
    return TableStore(engine(lambda: db))


def on_disk(level: str, measure: Callable[[sqlite3.Connection], float]) -> float:
    """Measure on a file of its own, opened as a node's disk opens it, at a level."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder, "data.sqlite"))) as db,
    ):
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(f"PRAGMA synchronous={level}")
        return measure(db)


def units_of_work(level: str, make: Make = in_rows, times: int = 0) -> float:
    """Units of work a second: read a stand, change it, save it and its event."""
    times = times or COMMITS[level]

    async def add(work: UnitOfWork) -> None:
        work.of(Stand).add(stand())

    async def change(work: UnitOfWork) -> None:
        here = await work.of(Stand).get("S01")
        if "B000" in here.bikes:
            here.withdraw(BikeId("B000"), NOW)
        else:
            here.offer(BikeId("B000"), NOW)

    async def run(db: sqlite3.Connection) -> float:
        store = make(db)
        await execute(store, add)
        begun = time.perf_counter()
        for _ in range(times):
            await execute(store, change)
        return times / (time.perf_counter() - begun)

    return on_disk(level, lambda db: asyncio.run(run(db)))


def by_hand(level: str) -> float:
    """The same row read and written by hand, its state through `json` both ways."""

    def change(state: bytes) -> bytes:
        here = json.loads(state)
        if "B000" in here["bikes"]:
            del here["bikes"]["B000"]
        else:
            here["bikes"]["B000"] = "2031-05-05T08:00:00Z"
        return json.dumps(here, separators=(",", ":")).encode()

    return on_disk(level, lambda db: bare(db, COMMITS[level], change))


def sqlite_alone(level: str) -> float:
    """The same statements with as many bytes, which nobody reads or writes."""
    return on_disk(level, lambda db: bare(db, COMMITS[level], lambda state: state))


def bare(db: sqlite3.Connection, times: int, change: Callable[[bytes], bytes]) -> float:
    """Transactions a second: a row read, changed, and written at the next version."""

    async def add(work: UnitOfWork) -> None:
        work.of(Stand).add(stand())

    asyncio.run(execute(in_rows(db), add))
    begun = time.perf_counter()
    for _ in range(times):
        version, state = db.execute(READ, NAME).fetchone()
        new = (version + 1, change(state), *NAME, version)
        db.execute("BEGIN IMMEDIATE")
        db.execute(UPDATE, new)
        db.commit()
    return times / (time.perf_counter() - begun)


def rows() -> list[Row]:
    """Return the comparisons."""
    name = "Stand.reserve, collect, offer / on dictionaries"
    figures = interleaved(aggregate, dictionaries, rounds=ROUNDS)
    found = [Row(name, *figures, "", "commands/s")]
    for level, times in COMMITS.items():
        ours, how = partial(units_of_work, level), f"synchronous={level}"
        # Like with like: a state is read, understood and written.
        figures = interleaved(ours, partial(by_hand, level), rounds=ROUNDS)
        name = f"unit of work / sqlite3 and json by hand, {how}"
        found.append(Row(name, *figures, ">= 0.7", "commits/s", BY_HAND))
        # The floor: as many bytes, which nobody understands.
        figures = interleaved(ours, partial(sqlite_alone, level), rounds=ROUNDS)
        name = f"unit of work / sqlite3 alone, {how}"
        found.append(Row(name, *figures, ">= 0.7", "commits/s", ALONE))
        tables = partial(units_of_work, level, in_tables, times // ON_TABLES)
        figures = interleaved(tables, ours, rounds=ROUNDS)
        name = f"TableStore (SQLAlchemy) / RowStore, {how}"
        found.append(Row(name, *figures, "", "commits/s"))
    return found


BY_HAND = (
    "Runs gave 0.58 to 0.73: of what is missing, most is the model's own work (a stand"
    " is made, keeps its rules and says what happened), which no dictionary does."
)
ALONE = (
    "Where a commit waits for no disk, SQLite takes about 20 us for all of it, and the"
    " state of a stand takes 7 to be read from JSON and written again, which the row"
    " above has on both sides."
)
