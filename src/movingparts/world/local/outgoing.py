"""A call as its caller sees it: sent, waited for, given up, noted."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx

from movingparts.core.node import current_span, traceparent
from movingparts.core.recording import Span
from movingparts.world.local.clock import RealClock
from movingparts.world.local.directory import Directory
from movingparts.world.local.incoming import TRACESTATE, entries, noted_message
from movingparts.world.local.ledger import Notes

_LOOPBACK = ("127.0.0.1", "localhost")


class LocalTransport(httpx.AsyncBaseTransport):
    """Turns `http://pricing/quote` into a call to the port where pricing listens.

    It passes the trace on and notes what the caller can know of the call.
    """

    def __init__(
        self, caller: str, directory: Directory, clock: RealClock, notes: Notes
    ) -> None:
        self._caller, self._directory = caller, directory
        self._clock, self._notes = clock, notes
        # A context without certificates: nothing here speaks TLS, and loading them
        # takes longer than starting a service.
        self._sockets = httpx.AsyncHTTPTransport(
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Call the service that the request's host names."""
        ports = self._directory.ports()
        name = self._name(request.url, ports)
        call = _Outgoing(self._caller, name, request, self._clock, self._notes)
        port = ports.get(name)
        if port is None:
            raise call.unreachable(ports)
        call.sent()
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
        onward = httpx.Request(
            request.method,
            url,
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        try:
            response = await self._sockets.handle_async_request(onward)
        except httpx.TransportError as error:
            clear = _clear(error, name, request)
            call.fail(clear)
            raise clear from error
        except BaseException as error:
            call.fail(error)
            raise
        call.status = response.status_code
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Watched(response.stream, call),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Keep the connections: the clients of one node share them."""

    async def shut(self) -> None:
        """Close the connections; the node has ended."""
        await self._sockets.aclose()

    def _name(self, url: httpx.URL, ports: dict[str, int | None]) -> str:
        """Return the name that a request is for; a service's own address is one too."""
        if url.host in _LOOPBACK and url.port is not None:
            for name, port in ports.items():
                if port == url.port:
                    return name
        return url.host


class _Outgoing:
    """One call, as its caller sees it."""

    def __init__(
        self,
        caller: str,
        callee: str,
        request: httpx.Request,
        clock: RealClock,
        notes: Notes,
    ) -> None:
        self._clock, self._notes = clock, notes
        self.request = request
        self.status: int | None = None
        self._sent = self._ended = False
        parent = current_span.get()
        self.span = Span(
            span_id=secrets.token_hex(8),
            trace_id=parent.trace_id if parent else secrets.token_hex(16),
            parent_id=parent.span_id if parent else "",
            kind="client",
            node=caller,
            peer=callee,
            name=f"{request.method} {request.url.path}",
            start_us=clock.time_us(),
        )
        request.headers.setdefault("traceparent", traceparent(self.span))
        others = entries(request.headers.get("tracestate", ""))
        others.pop(TRACESTATE, None)
        ours = {TRACESTATE: f"{quote(caller, safe='')}.{self.span.span_id}", **others}
        request.headers["tracestate"] = ",".join(f"{k}={v}" for k, v in ours.items())
        notes.span(self.span)

    def sent(self) -> None:
        """Note that the request sets out."""
        span = self.span
        message = noted_message(span, span.node, span.peer, span.start_us)
        message["size"] = int(self.request.headers.get("content-length", "0"))
        self._notes.note(span.span_id, request=message)
        self._sent = True

    def unreachable(self, ports: dict[str, int | None]) -> httpx.ConnectError:
        """Return the error for a name that nobody has, or whose service has ended."""
        name = self.span.peer
        if name in ports:
            self.sent()
            text = f"{name} does not listen: connection refused"
        else:
            known = ", ".join(ports) or "none yet"
            text = f"no service is called {name!r}; services here: {known}"
        error = httpx.ConnectError(text, request=self.request)
        self.fail(error)
        return error

    def end(self) -> None:
        """Note that the whole reply is here."""
        if not self._ended:
            failed = self.status is not None and self.status >= 500
            now = self._close("error" if failed else "ok", "")
            self._notes.note(self.span.span_id, received_us=now)

    def fail(self, error: BaseException) -> None:
        """Note how the caller's wait ended without a reply."""
        if self._ended:
            return
        if isinstance(error, httpx.ConnectError):
            self._close("error", str(error))
            if self._sent:
                self._notes.note(self.span.span_id, refused="connection refused")
            return
        self._close("error", _outcome(error))
        self._notes.note(self.span.span_id, left=True)

    def _close(self, outcome: Any, note: str) -> int:
        self._ended = True
        now = self._clock.time_us()
        self.span.end_us, self.span.outcome = now, outcome
        self.span.status, self.span.note = self.status, note
        self._notes.span(self.span)
        return now


class _Watched(httpx.AsyncByteStream):
    """A reply's body, which says when its reader has come to the end or has left."""

    def __init__(self, stream: httpx.AsyncByteStream, call: _Outgoing) -> None:
        self._stream, self._call = stream, call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except httpx.TransportError as error:
            name, request = self._call.span.peer, self._call.request
            clear = _clear(error, name, request, "in the middle of its reply")
            self._call.fail(clear)
            raise clear from error
        except BaseException as error:
            self._call.fail(error)
            raise
        self._call.end()

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._call.fail(GeneratorExit())


def _clear(
    error: httpx.TransportError,
    name: str,
    request: httpx.Request,
    when: str = "without a reply",
) -> httpx.TransportError:
    """Return an error of the same kind that says who was called and what happened."""
    if isinstance(error, httpx.TimeoutException):
        phase = _phase(error)
        seconds = request.extensions.get("timeout", {}).get(phase)
        waited = "gave up waiting" if seconds is None else f"waited {seconds:g} s"
        what = "for a reply from" if phase == "read" else f"to {phase} to"
        return type(error)(f"{waited} {what} {name}", request=request)
    if isinstance(error, httpx.ConnectError):
        text = f"{name} does not listen: connection refused"
        return httpx.ConnectError(text, request=request)
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
        text = f"{name} closed the connection {when}"
        return httpx.RemoteProtocolError(text, request=request)
    return error


def _phase(error: httpx.TimeoutException) -> str:
    return type(error).__name__.removesuffix("Timeout").lower()


def _outcome(error: BaseException) -> str:
    if isinstance(error, httpx.TimeoutException):
        return f"{_phase(error)} timeout"
    if isinstance(error, httpx.HTTPError):
        return str(error) or type(error).__name__
    return "given up by the caller"
