"""A NATS client that reads a stream's messages many at once, without their headers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from nats.aio.client import Client

from movingparts.bus.jetstream import translated
from movingparts.core.bus import BusError

Raw = tuple[bytes, bytes]  # a message's payload, and its headers as they travel
STATUS = b"NATS/1.0 "  # begins an answer that is no message, but says how it went
LAST, NOTHING = b"204", b"404"  # that was the last of the batch; there is none
PENDING = b"Nats-Num-Pending"


class DirectClient(Client):
    """A connection with direct batch gets, which answer from the stream's own file.

    nats-py looks at each letter of each header's name, and that takes most of the time
    of a long read; here headers stay bytes. For this the class overrides a private
    method of nats-py 2: the lock pins the version, and the contract tests would notice.

    Source: chapter 08; NATS ADR-31. Leaves out: reading by time, several subjects.
    """

    def __init__(self) -> None:
        super().__init__()
        self._answers: dict[int, _Answer] = {}

    def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes
    ) -> Coroutine[Any, Any, None]:
        answer = self._answers.get(sid)
        if answer is None:
            return super()._process_msg(sid, subject, reply, data, headers)
        return answer.arrive(data, headers)

    async def messages(
        self,
        stream: str,
        take: Callable[[list[Raw]], object],
        *,
        after: int,
        count: int,
        timeout: float,
        **which: Any,
    ) -> int:
        """Take messages after that sequence, and return how many more there are.

        `take` gets them as they arrive, some at a time, while the broker sends the next
        ones. With `next_by_subj`, only those of one subject. Raises `BusError`, and
        `BusTimeout` if the batch isn't there within `timeout` seconds.
        """
        ask = json.dumps({"seq": after + 1, "batch": count, **which}).encode()
        answer, inbox = _Answer(), self.new_inbox()
        with translated(f"read stream {stream}"):
            subscription = await self.subscribe(inbox)
            sid = subscription._id  # noqa: SLF001  # what _process_msg gets
            self._answers[sid] = answer
            try:
                await self.publish(f"$JS.API.DIRECT.GET.{stream}", ask, reply=inbox)
                async with asyncio.timeout(timeout):
                    while not (end := answer.end):
                        await answer.arrived.wait()
                        take(answer.pieces())
            finally:
                del self._answers[sid]
                await subscription.unsubscribe()
        status = end[len(STATUS) : len(STATUS) + 3]
        if status == NOTHING:
            return 0
        if status != LAST:
            reason = end[len(STATUS) :].split(b"\r\n")[0].decode()
            raise BusError(f"read stream {stream}: the broker says {reason!r}")
        return int(header(end, PENDING))


class _Answer:
    """The messages of one batch, as they arrive, and what came after the last."""

    def __init__(self) -> None:
        self.found: list[Raw] = []
        self.end = b""
        self.arrived = asyncio.Event()

    async def arrive(self, data: bytes, headers: bytes) -> None:
        if data or not headers.startswith(STATUS):
            self.found.append((data, headers))
        else:
            self.end = headers
        self.arrived.set()

    def pieces(self) -> list[Raw]:
        """Return what has arrived since this was last asked."""
        self.arrived.clear()
        found, self.found = self.found, []
        return found


def header(headers: bytes, name: bytes) -> bytes:
    r"""Return one header's value.

    >>> header(b"NATS/1.0\r\nNats-Subject: log.a\r\nNats-Sequence: 7\r\n\r\n",
    ...        b"Nats-Sequence")
    b'7'
    """
    return headers.split(b"\r\n%b: " % name, 1)[1].split(b"\r\n", 1)[0]
