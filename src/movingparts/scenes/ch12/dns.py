"""A DNS server with one name, and two callers: one forgets in time, one never does.

Source: chapter 12; RFC 1035. Leaves out: other servers' caches, and lost datagrams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dnslib import (  # type: ignore[import-untyped]  # the library is untyped
    QTYPE,
    RR,
    A,
    DNSRecord,
)

NAME = "availability.larkhaven.test"
Address = tuple[str, int]


@dataclass
class Zone(asyncio.DatagramProtocol):
    """Answers every question with these addresses, good for `ttl` seconds."""

    addresses: list[str]
    ttl: int
    _transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Begin to listen."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Answer a question."""
        answer = DNSRecord.parse(data).reply()
        for each in self.addresses:
            answer.add_answer(RR(NAME, QTYPE.A, rdata=A(each), ttl=self.ttl))
        self._transport.sendto(answer.pack(), addr)


@dataclass
class Question(asyncio.DatagramProtocol):
    """Asks once."""

    answer: asyncio.Future[DNSRecord]

    def connection_made(self, transport: Any) -> None:
        """Send the question."""
        transport.sendto(DNSRecord.question(NAME).pack())

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take the answer."""
        if not self.answer.done():
            self.answer.set_result(DNSRecord.parse(data))


@dataclass
class Caller:
    """Keeps an answer as long as its TTL says, or until it is started again."""

    server: Address
    now: Callable[[], float]
    forever: bool = False
    _known: list[str] = field(default_factory=list)
    _until: float = 0.0

    async def addresses(self) -> list[str]:
        """Return what it takes for the copies' addresses."""
        if not self._known or (self.now() >= self._until and not self.forever):
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[DNSRecord] = loop.create_future()
            sending, _ = await loop.create_datagram_endpoint(
                lambda: Question(answer), remote_addr=self.server
            )
            async with asyncio.timeout(5):
                records = (await answer).rr
            sending.close()
            self._known = [str(record.rdata) for record in records]
            self._until = self.now() + min(record.ttl for record in records)
        return self._known


@asynccontextmanager
async def dns(zone: Zone) -> AsyncIterator[Address]:
    """Serve a zone on a free loopback port, and yield where."""
    loop = asyncio.get_running_loop()
    listening, _ = await loop.create_datagram_endpoint(
        lambda: zone, local_addr=("127.0.0.1", 0)
    )
    try:
        host, port = listening.get_extra_info("sockname")
        yield host, port
    finally:
        listening.close()
