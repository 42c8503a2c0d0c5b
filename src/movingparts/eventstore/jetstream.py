"""An event store on NATS JetStream: on another machine, or on several."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import nats.errors
import nats.js.errors
from nats.js.api import Header, StreamConfig

from movingparts.bus.jetstream import (
    ACK_TIMEOUT,
    EXPECTED_STREAM,
    translated,
    translation,
)
from movingparts.bus.subjects import (
    check_declaration,
    check_name,
    check_subject,
    stored_or_not,
)
from movingparts.core.bus import BusTimeout
from movingparts.core.clock import Clock
from movingparts.eventstore.direct import DirectClient, Raw, header
from movingparts.eventstore.protocol import (
    ANY,
    ConcurrencyConflict,
    NewEvent,
    StoredEvent,
    check,
    encode,
    expected_by,
    follow,
)

MOST = 1000  # events of one append; a position is sequence * MOST + place in it
AT_ONCE = 250  # messages of one read
REMEMBERED = 10_000  # streams whose head is kept in memory
PATIENCE = 100  # looks at replicas that lag, before the caller gets an error
EXPECTED = str(Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value)
WRONG_LAST = (10071, 10164)  # JetStream's error codes: others have published there


class _Head(NamedTuple):
    """How many events a stream has, and the sequence of its last message."""

    version: int
    sequence: int


class JetStreamEventStore:
    """Keeps the log in one JetStream stream: a subject a stream, a message an append.

    The broker takes a message only if the last one of its subject is the one that the
    appender knows. As an append is one message, there are all of its events or none.

    Order: positions grow and leave numbers out. With several replicas, `read_all` may
    miss the newest events for a moment, but never one in between; `read` returns all
    that this object has read or appended.
    A killed process: once `append` has returned, the events are there; before that, all
    of them or none. The same holds if the broker is killed: the kernel has what it
    acknowledged.
    Power loss: the broker syncs its files every two minutes, so the events of that time
    may be gone. With `sync_interval: always` in its configuration it waits for the disk
    at each append. With `replicas=3` the events survive if one machine loses power, not
    if all do.

    If the answer to an append gets lost, `append` raises `BusTimeout` after `timeout`
    seconds: it may have happened. Append the same events again.

    Source: chapter 08; NATS 2.15 (JetStream, sync_interval, direct get). Leaves out:
    reading a long stream from the middle: it reads all of it, then cuts.
    """

    def __init__(
        self,
        connection: DirectClient,
        clock: Clock,
        name: str = "events",
        *,
        every: float = 0.05,
        timeout: float = ACK_TIMEOUT,
    ) -> None:
        check_name("stream", name)
        self._connection, self._clock = connection, clock
        self._name, self._every, self._timeout = name, every, timeout
        self._js = connection.jetstream(timeout=timeout)
        self._heads: dict[str, _Head] = {}

    def __repr__(self) -> str:
        return f"<JetStreamEventStore {self._name}>"

    async def declare(self, *, replicas: int = 1) -> None:
        """Make the stream, on so many servers; repeatable. Nothing can be deleted."""
        subjects = f"{self._name}.*"
        check_declaration(self._name, (subjects,))
        config = StreamConfig(
            name=self._name,
            subjects=[subjects],
            num_replicas=replicas,
            allow_direct=True,
            deny_delete=True,
            deny_purge=True,
        )
        with translated(f"declare stream {self._name}"):
            await self._js.add_stream(config)

    # --- append ---------------------------------------------------------------------

    async def append(
        self, stream: str, events: Sequence[NewEvent], *, expected_version: int
    ) -> int:
        """Append all, or none, and return the position of the last."""
        check(events, expected_version)
        if len(events) > MOST:
            raise ValueError(f"an append has at most {MOST:,} events here")
        texts = [encode([each.id, each.type, each.data]) for each in events]
        head = await self._known(stream, expected_version)
        while True:
            expected = expected_version
            if expected == ANY:
                ids = [each.id for each in events]
                known = [each.id for each in await self._read(stream, head.version)]
                expected = expected_by(ids, known[: head.version])
            if expected != head.version:
                return await self._again(stream, events, expected_version, expected)
            sequence = await self._publish(stream, texts, head)
            if sequence:
                self._remember(stream, _Head(expected + len(events), sequence))
                return sequence * MOST + len(events) - 1
            head = await self._head(stream)

    async def _known(self, stream: str, expected: int) -> _Head:
        """Return the head, without asking the broker where what is known may do."""
        head = self._heads.get(stream, _Head(0, 0))
        return head if head.version == expected else await self._head(stream)

    async def _head(self, stream: str) -> _Head:
        """Return the head as the leader of the stream's servers has it."""
        subject = self._subject(stream)
        with translated(f"read the end of {subject}"):
            try:
                last = await self._js.get_last_msg(self._name, subject)
            except nats.js.errors.NotFoundError:
                return _Head(0, 0)
        head = _Head(json.loads(last.data or b"")[-1][0], last.seq or 0)
        return self._remember(stream, head)

    async def _publish(self, stream: str, texts: list[str], head: _Head) -> int:
        """Publish one message and return its sequence; 0 if others were quicker."""
        subject = self._subject(stream)
        numbered = (
            f"[{n},{text[1:]}" for n, text in enumerate(texts, head.version + 1)
        )
        payload = f"[{','.join(numbered)}]".encode()
        headers = {EXPECTED: str(head.sequence), EXPECTED_STREAM: self._name}
        try:
            ack = await self._ask(subject, payload, headers)
        except nats.errors.TimeoutError:
            raise stored_or_not(self._name, subject, self._timeout) from None
        except nats.errors.Error as error:
            if getattr(error, "err_code", None) in WRONG_LAST:
                return 0
            raise translation(f"append to {subject}", error) from error
        return int(ack["seq"])

    async def _ask(
        self, subject: str, payload: bytes, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Return JetStream's answer; the library's objects of it would cost time."""
        reply = await self._connection.request(
            subject, payload, self._timeout, headers=headers
        )
        answer: dict[str, Any] = json.loads(reply.data)
        if "error" in answer:
            raise nats.js.errors.APIError.from_error(answer["error"])
        return answer

    async def _again(
        self, stream: str, events: Sequence[NewEvent], asked: int, expected: int
    ) -> int:
        """Return the position of events that were sent before, or say who has won."""
        head = await self._head(stream)
        found = await self._read(stream, head.version)
        again = found[expected : expected + len(events)]
        if [each.id for each in again] != [each.id for each in events]:
            raise ConcurrencyConflict(stream, asked, len(found))
        return again[-1].position

    # --- read -----------------------------------------------------------------------

    async def read(self, stream: str, *, from_version: int = 0) -> list[StoredEvent]:
        """Return the stream's events after that version."""
        head = self._heads.get(stream, _Head(0, 0))
        return (await self._read(stream, head.version))[max(from_version, 0) :]

    async def _read(self, stream: str, at_least: int) -> list[StoredEvent]:
        """Return a stream's events; ask a replica that lags until it has those."""
        found: list[StoredEvent] = []
        looks = 0
        while looks < PATIENCE:
            before = len(found)
            pending = await self._connection.messages(
                self._name,
                lambda some: found.extend(self._events(some, stream)),
                after=_last(found),
                count=MOST * AT_ONCE,
                timeout=self._timeout,
                next_by_subj=self._subject(stream),
            )
            if not pending and len(found) >= at_least:
                if self._heads.get(stream, _Head(0, 0)).version < len(found):
                    self._remember(stream, _Head(len(found), _last(found)))
                return found
            if len(found) == before:
                looks += 1
                await self._clock.sleep(self._every)
        self._heads.pop(stream, None)
        raise BusTimeout(f"read {stream}: no replica has what the leader had")

    async def read_all(
        self,
        *,
        from_position: int = 0,
        types: Collection[str] | None = None,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the log's events after that position, of these types."""
        found: list[StoredEvent] = []
        after, pending = max(from_position, MOST) // MOST - 1, 1
        while pending and (limit is None or len(found) < limit):
            more: list[Raw] = []
            pending = await self._connection.messages(
                self._name,
                more.extend,
                after=after,
                count=AT_ONCE,
                timeout=self._timeout,
            )
            found += [
                each
                for each in self._events(more)
                if each.position > from_position
                and (types is None or each.type in types)
            ]
            after = _sequence(more[-1]) if more else after
        return found[:limit]

    def subscribe(
        self, *, from_position: int = 0, types: Collection[str] | None = None
    ) -> AsyncIterator[StoredEvent]:
        """Yield the events after that position, then each new one.

        Raises `BusError` if the broker is gone: subscribe again from the last position.
        """
        return follow(self, self._clock, self._every, from_position, types)

    async def streams(self, prefix: str = "") -> list[str]:
        """Return the names of the streams that begin so, in their order."""
        found: dict[str, int] = {}
        while True:  # the broker names at most 100,000 at once
            ask = json.dumps({"subjects_filter": ">", "offset": len(found)}).encode()
            with translated(f"read the subjects of {self._name}"):
                info = await self._ask(f"$JS.API.STREAM.INFO.{self._name}", ask)
            found |= info["state"].get("subjects") or {}
            if len(found) >= info.get("total", 0):
                break
        names = (unquote(subject.partition(".")[2]) for subject in found)
        return sorted(name for name in names if name.startswith(prefix))

    # --- streams and subjects -------------------------------------------------------

    def _subject(self, stream: str) -> str:
        return _subject(self._name, stream)

    def _events(self, raw: Iterable[Raw], stream: str = "") -> list[StoredEvent]:
        raw = list(raw)
        messages = json.loads(b"[%b]" % b",".join([data for data, _ in raw]))
        return [
            StoredEvent(_sequence(one) * MOST + place, stream or _stream(one), *event)
            for one, message in zip(raw, messages, strict=True)
            for place, event in enumerate(message)
        ]

    def _remember(self, stream: str, head: _Head) -> _Head:
        self._heads.pop(stream, None)
        self._heads[stream] = head
        if len(self._heads) > REMEMBERED:
            del self._heads[next(iter(self._heads))]
        return head


@lru_cache(REMEMBERED)
def _subject(log: str, stream: str) -> str:
    """Return a stream's subject, with what it can't hold escaped as in URLs."""
    name = quote(stream, safe="").replace(".", "%2E")
    check_subject(subject := f"{log}.{name}")
    return subject


def _last(events: Sequence[StoredEvent]) -> int:
    """Return the sequence of the message that has the last event, 0 without one."""
    return events[-1].position // MOST if events else 0


def _sequence(message: Raw) -> int:
    return int(header(message[1], b"Nats-Sequence"))


def _stream(message: Raw) -> str:
    subject = header(message[1], b"Nats-Subject").decode()
    return unquote(subject.partition(".")[2])
