"""A published language: the messages of a context that others may rely on.

A context's own events are private and may change any day. The classes of its contract
define what others receive, published as CloudEvents with a schema. A subscriber takes
what it needs, and translates it into its own words.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC
from functools import cache
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import AfterValidator, AwareDatetime, BaseModel, TypeAdapter

from movingparts.bus import BusTimeout, Event, Subscription
from movingparts.core import Node
from movingparts.repository import RecordedEvent

# A time in an event, whatever offset it came with: in UTC.
Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
ToMessage = Callable[[Any], BaseModel | None]
Reader = Callable[[Any], Any] | type[Any]
Handler = Callable[[Any], Awaitable[None]]
TRIES = 5  # times that a publisher sends an event whose arrival is not confirmed


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
    """Publishes what happened in a context, after it was saved.

    `to_message` returns what others learn about an event of the model, or None if the
    event is private. An event keeps its id however often it is published.

    Source: chapter 02; Evans 2003 (published language), CloudEvents 1.0. Leaves out: a
    crash between saving and publishing (chapter 06), further versions (chapter 09).
    """

    def __init__(self, node: Node, to_message: ToMessage) -> None:
        self._node, self._to_message = node, to_message

    def __repr__(self) -> str:
        return f"<Publisher of {self._node.name}>"

    async def open(self) -> None:
        """Make sure that the broker stores what this context will publish."""
        await ensure_stream(self._node, self._node.name)

    async def __call__(self, recorded: Sequence[RecordedEvent]) -> None:
        """Publish what happened, in order.

        Raises `BusTimeout` if the broker never confirmed an event: indefinite.
        """
        for each in recorded:
            message = self._to_message(each.event)
            if message is not None:
                await self._publish(each, message)

    async def _publish(self, recorded: RecordedEvent, message: BaseModel) -> None:
        name = named(self._node.name, type(message))
        event = Event(
            id=f"{recorded.kind}/{recorded.key}/{recorded.number}",
            source=f"/{self._node.name}",
            type=f"city.larkhaven.{name}",
            subject=recorded.key,
            time=self._node.clock.now(),
            dataschema=address(name),
            data=message.model_dump(mode="json"),
        )
        for left in reversed(range(TRIES)):
            try:
                return await self._node.bus.publish(name, event)
            except BusTimeout:
                if not left:
                    raise
        return None


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
