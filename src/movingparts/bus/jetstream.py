"""A connection to a NATS broker, and JetStream: its streams and durable consumers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, Header

from movingparts.bus.subjects import (
    check_declaration,
    check_name,
    covers,
    declared_otherwise,
    follows_otherwise,
    no_stream,
    refuse_overlap,
    stored_or_not,
)
from movingparts.core.bus import BusError, BusTimeout

CONNECT_TIMEOUT = 5.0  # seconds
CLOSE_TIMEOUT = 2.0  # seconds that handlers and the connection get to finish
RETRY_EVERY = 0.1  # seconds between attempts to reach a broker that has gone
ACK_TIMEOUT = 5.0  # seconds that a publisher waits for the stream's acknowledgment
EXPECTED_STREAM = str(Header.EXPECTED_STREAM.value)
CHANGED = "$JS.EVENT.ADVISORY.STREAM.*.*"  # what the broker says when streams change
OTHER_STREAM, NAME_IN_USE, OVERLAP = 10060, 10058, 10065  # JetStream's error codes


async def connect(
    url: str,
    *,
    token: str | None = None,
    name: str | None = None,
    on_error: Callable[[Exception], None] | None = None,
    client: Client | None = None,
) -> Client:
    """Connect to a broker; it reconnects on its own when the broker is back.

    `on_error` is called with what goes wrong in the background; nothing is printed.
    `client` is a client to connect, if it shall not be a plain one.
    Raises `BusError` if none answers, at once or within five seconds.
    """
    logging.getLogger("nats").addHandler(logging.NullHandler())  # else: on stderr
    client = client or Client()
    connected = False

    async def failed(error: Exception) -> None:
        if not connected:
            raise _Unreachable(error)  # the library would go on trying
        if on_error is not None:
            on_error(error)

    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await client.connect(
                url,
                token=token,
                name=name,
                error_cb=failed,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RETRY_EVERY,  # type: ignore[arg-type]  # seconds; a float works
                drain_timeout=int(CLOSE_TIMEOUT),
                skip_subject_validation=True,  # the bus checks subjects, and once
            )
    except (_Unreachable, TimeoutError) as error:
        connected = True  # whatever the library still has to say is of no interest
        await client.close()
        raise BusError(
            f"no broker answers at {url} ({str(error) or 'timeout'}):"
            " is it started, and is the token its own?"
        ) from None
    connected = True
    return client


class _Unreachable(Exception):
    """The first attempt to connect has failed."""


async def processed(connection: Client) -> None:
    """Wait until the broker has processed all that was sent so far.

    Twice, because nats-py's PING overtakes what is still to be written when it is
    sent; by the time its answer is here, that has been written too.
    """
    await connection.flush()
    await connection.flush()


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn the client library's errors into the bus' own."""
    try:
        yield
    except nats.errors.NoRespondersError:
        raise
    except (nats.errors.Error, TimeoutError) as error:
        raise translation(doing, error) from error


def translation(doing: str, error: Exception) -> BusError:
    """Return the bus' own error for one of the client library."""
    if isinstance(error, TimeoutError):
        return BusTimeout(f"{doing}: the broker has not answered")
    if isinstance(error, nats.js.errors.ServiceUnavailableError):
        return BusError(f"{doing}: the broker has no JetStream; start it with -js")
    if isinstance(error, nats.js.errors.APIError):
        return BusError(f"{doing}: the broker says {error.description!r}")
    return BusError(f"{doing}: {str(error) or type(error).__name__}")


class JetStream:
    """What one connection knows of the broker's streams, and how it asks for more.

    Which stream keeps a subject is asked once and remembered until the broker says
    that streams have changed. Until that message arrives, an event on a subject that
    has just got a stream is kept, but the publisher does not wait for it.
    """

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._js = connection.jetstream(timeout=ACK_TIMEOUT)
        self._known: dict[str, str] = {}
        self._advisories: Any = None
        self._reconnects = 0

    def known(self, subject: str) -> str | None:
        """Return what `stream_of` would, if nothing has to be asked for it."""
        reconnects = self._connection.stats["reconnects"]
        if self._reconnects != reconnects:
            self._known.clear()  # a message about it may have been missed
            self._reconnects = reconnects
        return self._known.get(subject)

    async def stream_of(self, subject: str) -> str:
        """Return the name of the stream that keeps a subject, or nothing."""
        name = self.known(subject)
        if name is None:
            with translated(f"look for the stream of {subject}"):
                if self._advisories is None:
                    self._advisories = await self._connection.subscribe(
                        CHANGED, cb=self._changed
                    )
                    await processed(self._connection)
                try:
                    name = await self._find(subject)
                except nats.js.errors.ServiceUnavailableError:
                    name = ""  # a broker without JetStream keeps nothing
                self._known[subject] = name
        return name

    async def publish(self, stream: str, subject: str, payload: bytes) -> bool:
        """Publish and wait for the acknowledgment; False if it keeps this no more."""
        try:
            with translated(f"publish on {subject}"):
                await self._js.publish(subject, payload, ACK_TIMEOUT, stream)
        except BusTimeout:
            raise stored_or_not(stream, subject, ACK_TIMEOUT) from None
        except BusError as error:
            api = error.__cause__
            if isinstance(api, nats.js.errors.NoStreamResponseError) or (
                isinstance(api, nats.js.errors.APIError)
                and api.err_code == OTHER_STREAM
            ):
                self._known.pop(subject, None)
                return False
            raise
        return True

    async def declare(self, name: str, subjects: tuple[str, ...]) -> None:
        """Make a stream, or see that the one there keeps the same subjects."""
        check_declaration(name, subjects)
        with translated(f"declare stream {name}"):
            try:
                await self._js.add_stream(name=name, subjects=list(subjects))
            except nats.js.errors.BadRequestError as error:
                if error.err_code == NAME_IN_USE:
                    present = await self._subjects(name)
                    if present != subjects:
                        raise declared_otherwise(name, present) from None
                elif error.err_code == OVERLAP:
                    for info in await self._js.streams_info():
                        others = tuple(info.config.subjects or ())
                        refuse_overlap(subjects, str(info.config.name), others)
                    raise
                else:
                    raise
        self._known.clear()

    async def pull(self, pattern: str, durable: str, ack_wait: float) -> Any:
        """Return the durable consumer of that name, to fetch events from."""
        check_name("durable", durable)
        stream = await self._find(pattern)
        if not stream:
            raise no_stream(durable, pattern)
        if not await self._find(f"dead.{durable}"):
            await self.declare("dead", ("dead.>",))
        config = ConsumerConfig(
            name=durable,
            durable_name=durable,
            filter_subject=pattern,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait,
            max_deliver=-1,  # the bus counts, for the broker would drop in silence
        )
        try:
            present = await self._js.consumer_info(stream, durable)
        except nats.js.errors.NotFoundError:
            pass
        else:
            follows = present.config.filter_subject or ">"
            if follows != pattern:
                raise follows_otherwise(durable, follows, pattern)
        await self._js.add_consumer(stream, config)
        return await self._js.pull_subscribe_bind(durable, stream)

    async def _find(self, pattern: str) -> str:
        for info in await self._js.streams_info():
            if any(covers(mine, pattern) for mine in info.config.subjects or ()):
                return str(info.config.name)
        return ""

    async def _subjects(self, name: str) -> tuple[str, ...]:
        info = await self._js.stream_info(name)
        return tuple(info.config.subjects or ())

    async def _changed(self, _: Msg) -> None:
        self._known.clear()
