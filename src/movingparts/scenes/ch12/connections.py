"""A transport for httpx with little in it, for a proxy that passes on small answers.

Source: chapter 12; h11, which httpx's own transport stands on, too. Leaves out: TLS,
HTTP/2, proxies, streamed bodies, and a limit of connections.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

import h11
import httpx

Address = tuple[str, int]


class _Connection:
    """One connection, on which one request at a time is sent."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT)

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent on it."""
        return self._http.our_state is h11.IDLE and not self._reader.at_eof()

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the answer to it."""
        http, url = self._http, request.url
        asks = h11.Request(
            method=request.method, target=url.raw_path, headers=request.headers.raw
        )
        parts = [http.send(asks)]
        if body := await request.aread():
            parts.append(http.send(h11.Data(data=body)))
        parts.append(http.send(h11.EndOfMessage()))
        self._writer.write(b"".join(part for part in parts if part))
        answer = await self._next()
        while isinstance(answer, h11.InformationalResponse):
            answer = await self._next()
        assert isinstance(answer, h11.Response)  # noqa: S101  # h11 gives no other event
        content = b""
        while isinstance(part := await self._next(), h11.Data):
            content += part.data
        if http.our_state is http.their_state is h11.DONE:
            http.start_next_cycle()
        headers = answer.headers.raw_items()
        stream = httpx.ByteStream(content)
        return httpx.Response(answer.status_code, headers=headers, stream=stream)

    async def _next(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(65_536))
        if not isinstance(event, h11.Event):
            raise h11.RemoteProtocolError("the connection was closed")
        return event

    def close(self) -> None:
        """Close it at once."""
        self._writer.close()


class Connections(httpx.AsyncBaseTransport):
    """Keeps connections open, and opens one where none is free.

    Give it to `httpx.AsyncClient(transport=Connections())`.
    """

    def __init__(self) -> None:
        self._free: defaultdict[Address, list[_Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raise what httpx's own transport raises."""
        limits = request.extensions.get("timeout", {})
        address = request.url.host, request.url.port or 80
        connection = await self._connection(address, limits.get("connect"))
        try:
            async with asyncio.timeout(limits.get("read")):
                answer = await connection.exchange(request)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time") from None
        except (OSError, h11.ProtocolError) as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        finally:
            if connection.reusable:
                self._free[address].append(connection)
            else:
                connection.close()
        return answer

    async def _connection(self, address: Address, seconds: float | None) -> _Connection:
        free = self._free[address]
        while free:
            if (connection := free.pop()).reusable:
                return connection
            connection.close()
        try:
            async with asyncio.timeout(seconds):
                return _Connection(*await asyncio.open_connection(*address))
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

    async def aclose(self) -> None:
        """Close all that are free."""
        for free in self._free.values():
            while free:
                free.pop().close()
