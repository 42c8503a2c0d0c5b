"""A published language: the messages of a context that others may rely on.

A context's own events are private and may change any day. The classes of its contract
define what others receive, published as CloudEvents with a schema. A subscriber takes
what it needs, and translates it into its own words.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC
from functools import cache
from sqlite3 import Connection
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import AfterValidator, AwareDatetime, BaseModel, TypeAdapter

from movingparts.bus import BusError, Event, Subscription
from movingparts.bus.subjects import check_size
from movingparts.core import Node
from movingparts.core.node import ended
from movingparts.outbox import Outbox
from movingparts.repository import RecordedEvent, SqliteRows
from movingparts.unit_of_work import RowStore, Store

# A time in an event, whatever offset it came with: in UTC.
Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
ToMessage = Callable[[Any], BaseModel | None]
Reader = Callable[[Any], Any] | type[Any]
Handler = Callable[[Any], Awaitable[None]]
PATIENCE = 1.0  # seconds: how long a request waits for the broker, and a relay rests


@cache
def named(context: str, contract: type[BaseModel]) -> str:
    """Return the name of a contract, which is also the subject it is published under.

    >>> class BikeDocked(BaseModel): ...
    >>> named("stations", BikeDocked)
    'stations.bike-docked'
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", contract.__name__).lower()
    return f"{context}.{words}"


def schema(context: str, contract: type[BaseModel]) -> dict[str, Any]:
    """Return the contract of an event's data: its JSON Schema, under its name.

    A publisher promises the properties that are required; a subscriber must ignore
    properties that it does not know.
    """
    body = contract.model_json_schema(mode="serialization")
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**about, "$id": address(named(context, contract)), **body}


def address(name: str) -> str:
    """Return the URI of a contract's schema, a name that needs no host."""
    return f"urn:larkhaven:contract:{name}:1"


class Publisher:
    """Publishes what happened in a context, after it was saved, in that order.

    `to_message` returns what others learn about an event of the model, or None if the
    event is private. What `save` adds to an outbox is published after the commit, or,
    if this process crashes first, after the next start. An event keeps its id however
    often it is published.

    Source: chapters 02 and 06; Evans 2003 (published language), CloudEvents 1.0. Leaves
    out: further versions (chapter 09); after a crash, the trace (chapter 14).
    """

    def __init__(self, node: Node, to_message: ToMessage, db: Connection) -> None:
        self._node, self._to_message, self.db = node, to_message, db
        self._outbox = Outbox(db)
        self._relaying: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Publisher of {self._node.name}: {self._outbox.waiting()} waiting>"

    async def open(self) -> None:
        """Make sure that the broker stores what this context will publish.

        What was saved before a crash goes there now.
        """
        await ensure_stream(self._node, self._node.name)
        self._start()

    def save(self, recorded: Sequence[RecordedEvent]) -> None:
        """Save what others will learn, inside the transaction that saves the rest."""
        for each in recorded:
            message = self._to_message(each.event)
            if message is not None:
                name = named(self._node.name, type(message))
                self._outbox.add(name, self._event(name, each, message))

    async def __call__(self, recorded: Sequence[RecordedEvent]) -> None:
        """Publish what was saved; wait for that, but not long if the broker is silent.

        What it does not confirm is published again, until it does.
        """
        if not recorded:
            return
        await ended(self._start(), timeout=PATIENCE)

    def _start(self) -> asyncio.Task[None]:
        if self._relaying is None or self._relaying.done():
            tasks = self._node.tasks
            self._relaying = tasks.create_task(self._relay(), name="outbox")
        return self._relaying

    async def _relay(self) -> None:
        while self._outbox.waiting():
            try:
                await self._outbox.relay(self._node.bus)
            except BusError as error:  # silent, or gone: it is still in the outbox
                self._node.tasks.report("outbox", error)
                await self._node.clock.sleep(PATIENCE)

    def _event(self, name: str, recorded: RecordedEvent, message: BaseModel) -> Event:
        event = Event(
            id=f"{recorded.kind}/{recorded.key}/{recorded.number}",
            source=f"/{self._node.name}",
            type=f"city.larkhaven.{name}",
            subject=recorded.key,
            time=self._node.clock.now(),
            dataschema=address(name),
            data=message.model_dump(mode="json"),
        )
        check_size(event, event.to_json())  # what no broker takes is not saved either
        return event


def announcing(
    node: Node, to_message: ToMessage, store: Any = None
) -> tuple[Store, Publisher]:
    """Return the store of a context, and who publishes what is committed there.

    Without a store, it is one in the node's database. A store has a `db`, in which the
    outbox is, and calls `save` inside its transactions: `SqliteRows`, `TableStore`.
    """
    store = store or RowStore(SqliteRows(node.disk.connect()))
    place = getattr(store, "rows", store)
    publisher = Publisher(node, to_message, place.db)
    place.save = publisher.save
    return store, publisher


def on_the_bus(
    node: Node,
    publisher: Publisher,
    reads: Mapping[str, Reader] | None = None,
    handler: Handler | None = None,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan of a service that publishes, and may subscribe to others."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await publisher.open()
        subscriptions = await listen(node, reads, handler) if reads and handler else []
        yield
        for subscription in subscriptions:
            await subscription.stop()

    return lifespan


async def ensure_stream(node: Node, context: str) -> None:
    """Make sure that the broker stores what a context publishes; safe to repeat."""
    await node.bus.stream(context.upper(), f"{context}.*")


async def listen(
    node: Node, reads: Mapping[str, Reader], handler: Handler
) -> list[Subscription]:
    """Subscribe to the contracts named in `reads`, each in its reader's words.

    A reader is a function that translates the event's data, or a class of the model
    that takes the data unchanged. Events of one context come in order and at least
    once; a contract that is not named is ignored. If `handler` raises, the event is
    delivered again, and in the end goes to the dead letters.
    """
    readings = {name: _reading(reader) for name, reader in reads.items()}

    async def handle(event: Event) -> None:
        reading = readings.get(event.type.removeprefix("city.larkhaven."))
        if reading is not None:
            await handler(reading(event.data))

    subscriptions = []
    for context in dict.fromkeys(name.partition(".")[0] for name in reads):
        await ensure_stream(node, context)
        mine = [name for name in reads if name.startswith(f"{context}.")]
        subject = mine[0] if len(mine) == 1 else f"{context}.*"
        durable = f"{node.name}-{context}"
        subscriptions.append(await node.bus.subscribe(subject, handle, durable=durable))
    return subscriptions


def _reading(reader: Reader) -> Callable[[Any], Any]:
    return TypeAdapter(reader).validate_python if isinstance(reader, type) else reader
