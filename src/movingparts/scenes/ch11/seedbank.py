"""A seed bank whose database takes few connections: exercise 11.4."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from movingparts.core.clock import Clock
from movingparts.scenes.ch11.database import TooManyConnections

LIMIT = 3  # connections
QUERY, POST = 0.010, 2.0  # seconds


class Bank:
    """The database and the post, for all calls; step `fails` raises `error`, once.

    `open` are the connections, `sent` and `marked` what became of orders.
    """

    def __init__(self, clock: Clock, fails: int, error: Exception | None) -> None:
        self.clock, self.refused, self._step = clock, 0, 0
        self._fails, self._error = fails, error
        self.open: set[Connection] = set()
        self.sent: dict[str, str] = {}
        self.marked: set[str] = set()

    def step(self, opens: Connection | None = None) -> None:
        """Fail, if this is the step that is to fail; else open a connection."""
        self._step += 1
        if self._error is not None and self._step == self._fails:
            raise self._error
        if opens is not None and len(self.open) >= LIMIT:
            self.refused += 1
            raise TooManyConnections(f"{LIMIT} are open")
        if opens is not None:
            self.open.add(opens)


@dataclass(eq=False)
class Call:
    """One call of a handler: its database and its post, and what it did with them.

    `during` is how many of its connections were open while it used the post, `after`
    how many still were at its end; `early` says that it marked what wasn't sent.
    """

    bank: Bank
    kind: str
    order: str
    opened: list[Connection] = field(default_factory=list)
    fault: Exception | None = None
    value: object = None
    during: int = 0
    after: int = 0
    early: bool = False
    left: int = 0
    refused: int = 0

    @property
    def raised(self) -> bool:
        """Whether the handler has raised something."""
        return isinstance(self.value, Exception)

    @property
    def done(self) -> tuple[str | None, bool]:
        """Where the order was sent, and whether it was marked."""
        return self.bank.sent.get(self.order), self.order in self.bank.marked

    def held(self) -> int:
        """Return how many of its connections are open."""
        return sum(each in self.bank.open for each in self.opened)

    def step(self, opens: Connection | None = None) -> None:
        """Take a step that may fail, and keep the error."""
        try:
            self.bank.step(opens)
        except Exception as error:
            self.fault = error
            raise

    def connect(self) -> Connection:
        """Open a connection."""
        connection = Connection(self)
        self.step(connection)
        self.opened.append(connection)
        return connection

    async def send(self, order: str, address: str) -> None:
        """Print a label and send the seeds, once for each order."""
        self.during = max(self.during, self.held())
        self.step()
        await self.bank.clock.sleep(POST)
        self.bank.sent.setdefault(order, address)


class Connection:
    """One connection, for one call."""

    def __init__(self, call: Call) -> None:
        self._call, self._bank = call, call.bank

    async def _query(self) -> None:
        if self not in self._bank.open:
            raise RuntimeError("this connection is closed")
        self._call.step()
        await self._bank.clock.sleep(QUERY)

    async def address_of(self, order: str) -> str:
        """Return where an order goes."""
        await self._query()
        return f"address of {order}"

    async def mark_sent(self, order: str) -> None:
        """Note that an order was sent."""
        self._call.early |= order not in self._bank.sent
        await self._query()
        self._bank.marked.add(order)

    def close(self) -> None:
        """Close it; repeatable."""
        self._bank.open.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
