"""A database that takes few connections, for functions that have many instances.

Source: chapter 11. Leaves out: all that a database does but number rides.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

from movingparts.core.clock import Clock
from movingparts.function import Code, Instance, Request, Result, SimulatedBackend

HANDSHAKE, QUERY = 0.020, 0.005  # seconds


class TooManyConnections(Exception):
    """The database has as many connections as it takes; nothing has happened."""


class Database:
    """Gives each ride a number of its own, to as many connections as `limit`.

    It counts: connections that were `opened` and `refused`, and the `most` at once.
    """

    def __init__(self, clock: Clock, limit: int = 20) -> None:
        self.clock, self.limit = clock, limit
        self.open: set[Connection] = set()
        self.opened = self.refused = self.most = 0
        self.numbers: dict[str, int] = {}

    def connect(self) -> Connection:
        """Open a connection, or raise `TooManyConnections`."""
        if len(self.open) >= self.limit:
            self.refused += 1
            raise TooManyConnections(f"{self.limit} are open")
        connection = Connection(self)
        self.open.add(connection)
        self.opened += 1
        self.most = max(self.most, len(self.open))
        return connection


class Connection:
    """One connection; its first query also waits for the handshake."""

    def __init__(self, database: Database) -> None:
        self.database, self.new, self.turn = database, True, asyncio.Lock()

    async def number_of(self, ride: str) -> int:
        """Return a ride's number: a new one if it has none, else the same again."""
        async with self.turn:  # one query at a time
            wait, self.new = QUERY + HANDSHAKE * self.new, False
            await self.database.clock.sleep(wait)
            numbers = self.database.numbers
            return numbers.setdefault(ride, len(numbers) + 1)

    def close(self) -> None:
        """Give its place to another; repeatable."""
        self.database.open.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Proxy:
    """Stands before a database: takes any number, and shares `size` connections."""

    def __init__(self, database: Database, size: int = 15) -> None:
        self._idle = [database.connect() for _ in range(size)]
        self._turn = asyncio.Semaphore(size)

    def connect(self) -> Proxy:
        """Connect to the proxy, which refuses nobody."""
        return self

    async def number_of(self, ride: str) -> int:
        """Wait for one of the connections, and ask on it."""
        async with self._turn:
            connection = self._idle.pop()
            try:
                return await connection.number_of(ride)
            finally:
                self._idle.append(connection)


@dataclass(frozen=True, slots=True)
class ClosingInstance:
    """An instance whose connections close when its process ends, as sockets do."""

    inner: Any

    async def run(self, request: Request) -> Result:
        """Run the handler."""
        result: Result = await self.inner.run(request)
        return result

    async def close(self) -> None:
        """End the process, and with it the connections that its globals hold."""
        await self.inner.close()
        for held in self.inner.handler.__globals__.values():
            if isinstance(held, Connection):
                held.close()


@dataclass(frozen=True, slots=True)
class ClosingBackend:
    """A simulated backend whose instances close their connections when they end."""

    inner: SimulatedBackend

    async def start(self, code: Code) -> Instance:
        """Start an instance."""
        return ClosingInstance(await self.inner.start(code))
