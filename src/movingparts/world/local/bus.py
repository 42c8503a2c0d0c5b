"""A node's bus on the world's broker: connected at first use, clear when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from movingparts.bus import Bus, BusError, BusTimeout, Event, Handler, Subscription
from movingparts.bus.nats import NatsBus, connect
from movingparts.core.node import Tasks
from movingparts.core.random import Random
from movingparts.core.recording import Recorder
from movingparts.world.local.broker import gone


@dataclass(slots=True)
class Line:
    """What a bus needs to reach the broker; `down` says why it can't, or nothing."""

    url: str
    token: str
    recorder: Recorder
    time_us: Callable[[], int]
    down: Callable[[], str]


class LocalBus:
    """A `NatsBus` with a connection of its own, made when it is first used.

    Each use first looks whether the broker is there: an error says that it is gone,
    and that nothing was published, before anything waits for it.
    """

    def __init__(self, name: str, tasks: Tasks, line: Line, ids: Random) -> None:
        self._name, self._tasks, self._line, self._ids = name, tasks, line, ids
        self._bus: NatsBus | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<LocalBus of {self._name}>"

    @property
    def connected(self) -> bool:
        """Whether it could publish now; what was never used connects when it is."""
        return self._bus is None or self._bus.connection.is_connected

    async def publish(self, subject: str, event: Event) -> None:
        """Publish an event."""
        bus = await self._reached()
        try:
            await bus.publish(subject, event)
        except BusError as error:
            raise self._explained(error) from error

    async def subscribe(
        self,
        subject: str,
        handler: Handler,
        *,
        queue: str | None = None,
        durable: str | None = None,
        ack_wait: float = 5.0,
        max_deliver: int = 5,
    ) -> Subscription:
        """Call `handler` with each event of a subject."""
        bus = await self._reached()
        try:
            return await bus.subscribe(
                subject,
                handler,
                queue=queue,
                durable=durable,
                ack_wait=ack_wait,
                max_deliver=max_deliver,
            )
        except BusError as error:
            raise self._explained(error) from error

    async def request(self, subject: str, event: Event, *, timeout: float) -> Event:
        """Publish and wait for one answer."""
        bus = await self._reached()
        try:
            return await bus.request(subject, event, timeout=timeout)
        except BusError as error:
            raise self._explained(error) from error

    async def stream(self, name: str, *subjects: str) -> None:
        """Declare that a stream keeps every event of these subjects."""
        bus = await self._reached()
        try:
            await bus.stream(name, *subjects)
        except BusError as error:
            raise self._explained(error) from error

    async def close(self) -> None:
        """Let the handlers that run end, and the connection with them."""
        self._closed = True
        bus, self._bus = self._bus, None
        if bus is None:
            return
        if self._line.down():
            bus.disconnect()
        await bus.close()

    async def _reached(self) -> Bus:
        if self._closed:
            raise BusError(f"{self._name} has ended: its bus is closed")
        why = self._line.down()
        if why:
            raise BusError(gone(why))
        async with self._connecting:
            if self._bus is None:
                self._bus = await self._connected()
        return self._bus

    async def _connected(self) -> NatsBus:
        line = self._line
        connection = await connect(line.url, token=line.token, name=self._name)
        return NatsBus(
            connection,
            self._name,
            self._tasks,
            recorder=line.recorder,
            time_us=line.time_us,
            ids=self._ids,
        )

    def _explained(self, error: BusError) -> BusError:
        """Add to an error that the broker is gone, and keep what kind it is."""
        why = self._line.down()
        if not why:
            return error
        if isinstance(error, BusTimeout):
            return BusTimeout(f"{error}; {gone(why)}")
        return BusError(gone(why))
