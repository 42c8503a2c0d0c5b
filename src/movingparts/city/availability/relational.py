"""Availability in a relational database: the same model, behind the same seam."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields
from typing import Any, Generic, cast

import sqlalchemy as sa
from sqlalchemy import event, exc, orm

from movingparts.city.availability.tables import TABLES, watched
from movingparts.repository import A, NotFound, RecordedEvent, Save, stale


def engine(connect: Callable[[], sqlite3.Connection]) -> sa.Engine:
    """Return an engine of one connection; with `node.disk.connect`, a crash ends it."""
    made = sa.create_engine("sqlite://", creator=connect, poolclass=sa.StaticPool)
    # Left to itself, sqlite3 begins no transaction for what is only read.
    event.listen(made, "begin", lambda db: db.exec_driver_sql("BEGIN"))
    return made


class TableStore:
    """Keeps each aggregate in tables of its kind.

    If `save` is set, it gets what happened, inside the transaction of each commit.

    >>> db = sqlite3.connect(":memory:")
    >>> TableStore(engine(lambda: db)).begin()
    <TableWork: nothing read, nothing happened>
    >>> db.close()

    Source: chapter 03; Fowler 2002 (data mapper, unit of work). Leaves out: migrations
    (chapter 09), a pool of connections, a thread to wait in.
    """

    def __init__(self, engine: sa.Engine) -> None:
        TABLES.create_all(engine)
        self.engine = engine
        self.save: Save | None = None

    @property
    def db(self) -> sqlite3.Connection:
        """The engine's only connection."""
        with closing(self.engine.raw_connection()) as pooled:
            return cast(sqlite3.Connection, pooled.driver_connection)

    def begin(self) -> TableWork:
        """Return a unit of work that has read nothing yet."""
        return TableWork(self)


class TableWork:
    """A unit of work over tables; each of its transactions is a session of its own.

    A commit that has failed fails again: SQLAlchemy has let go of what was changed.
    """

    def __init__(self, store: TableStore) -> None:
        self.engine, self._save = store.engine, store.save
        self.read: dict[tuple[str, str], Any] = {}
        self._failure: Exception | None = None

    def __repr__(self) -> str:
        read = ", ".join(f"{kind} {key}" for kind, key in self.read) or "nothing"
        count = sum(len(each.events) for each in self.read.values())
        return f"<TableWork: {read} read, {count or 'nothing'} happened>"

    def of(self, kind: type[A]) -> TableRepository[A]:
        """Return the repository of a kind of aggregate."""
        return TableRepository(self, kind)

    async def commit(self) -> tuple[RecordedEvent, ...]:
        """Save all that happened, in order, and return it; raise `StaleVersion`."""
        if self._failure is not None:
            raise self._failure
        changed = [entry for entry in self.read.items() if entry[1].events]
        before = [dict(vars(aggregate)) for _, aggregate in changed]
        try:
            with orm.Session(self.engine, expire_on_commit=False) as session:
                flushed = [_save(session, *name, each) for name, each in changed]
                saved = tuple(recorded for each in flushed for recorded in each)
                if self._save is not None:
                    self._save(saved)
                session.commit()
        except Exception as error:
            self._failure = error
            for (_, aggregate), state in zip(changed, before, strict=True):
                vars(aggregate).update(state)  # to be looked at
            raise
        for _, aggregate in changed:
            aggregate.events.clear()
        return saved


def _save(
    session: orm.Session, kind: str, key: str, aggregate: Any
) -> list[RecordedEvent]:
    expected = aggregate.version or 0
    numbered = enumerate(aggregate.events, start=expected + 1)
    recorded = [RecordedEvent(kind, key, number, event) for number, event in numbered]
    aggregate.version = expected + len(recorded)
    session.add(aggregate)
    missed = orm.exc.StaleDataError if expected else exc.IntegrityError
    try:
        session.flush()
    except missed as error:
        raise stale(kind, key, expected) from error
    return recorded


def watch(aggregate: Any) -> None:
    """Have SQLAlchemy see what changes in a new object from now on."""
    state = {field.name: getattr(aggregate, field.name) for field in fields(aggregate)}
    events = aggregate.events
    vars(aggregate).clear()
    aggregate.__class__ = watched()[type(aggregate)]  # it stays the same object
    aggregate.__init__(**state)
    aggregate.events = events


class TableRepository(Generic[A]):
    """All aggregates of one kind, as one unit of work sees them."""

    def __init__(self, work: TableWork, kind: type[A]) -> None:
        self._work, self._kind = work, kind

    async def find(self, key: str) -> A | None:
        """Return the one of that key, the same object each time; None without one."""
        name = (self._kind.__name__, key)
        found: A | None = self._work.read.get(name)
        if found is None:
            with orm.Session(self._work.engine) as session:
                found = session.get(watched()[self._kind], key)
        if found is not None:
            self._work.read[name] = found
        return found

    async def get(self, key: str) -> A:
        """Return the one of that key; raise `NotFound`."""
        found = await self.find(key)
        if found is None:
            raise NotFound(f"there is no {self._kind.__name__} {key!r}")
        return found

    def add(self, aggregate: A) -> A:
        """Take a new one, which `commit` will write; here, a key has one object."""
        name = (self._kind.__name__, aggregate.key)
        if self._work.read.setdefault(name, aggregate) is not aggregate:
            raise ValueError(f"{name[0]} {name[1]!r} is in this unit of work already")
        if type(aggregate) is self._kind:
            watch(aggregate)
        return aggregate

    async def keys(self) -> list[str]:
        """Return the keys of all that were committed, in their order."""
        [key] = sa.inspect(watched()[self._kind]).primary_key
        with orm.Session(self._work.engine) as session:
            return list(session.scalars(sa.select(key).order_by(key)))
