"""A connection to a NATS broker, which comes back by itself and prints nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from nats.aio.client import Client

from movingparts.core.bus import BusError

CONNECT_TIMEOUT = 5.0  # seconds
CLOSE_TIMEOUT = 2.0  # seconds that handlers and the connection get to finish
RETRY_EVERY = 0.1  # seconds between attempts to reach a broker that has gone


async def connect(
    url: str,
    *,
    token: str | None = None,
    name: str | None = None,
    on_error: Callable[[Exception], None] | None = None,
) -> Client:
    """Connect to a broker; the connection comes back by itself when the broker does.

    `on_error` is told what goes wrong in the background; nothing is printed.
    Raises `BusError` if none answers, at once or within five seconds.
    """
    logging.getLogger("nats").addHandler(logging.NullHandler())  # else: on stderr
    client = Client()
    connected = False

    async def told(error: Exception) -> None:
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
                error_cb=told,
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


async def taken(connection: Client) -> None:
    """Wait until the broker has taken all that was sent so far.

    Twice, because nats-py's PING overtakes what is still to be written when it is
    sent; by the time its answer is here, that has been written too.
    """
    await connection.flush()
    await connection.flush()
