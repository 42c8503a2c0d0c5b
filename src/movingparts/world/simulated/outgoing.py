"""A call as its caller sees it: sent, waited for, given up, recorded."""

from __future__ import annotations

import asyncio
from typing import Literal

import httpx

from movingparts.core.node import current_span, traceparent
from movingparts.core.random import microseconds
from movingparts.core.recording import Fate, Message, Span
from movingparts.world.simulated.incoming import Incoming
from movingparts.world.simulated.life import Life, Response


class _Cookies(httpx.Cookies):
    """A client's cookies, which look at a reply only where it sets some.

    httpx's look at each, by way of urllib, which takes a tenth of a request.
    """

    def extract_cookies(self, response: httpx.Response) -> None:
        if "set-cookie" in response.headers:
            super().extract_cookies(response)


def client(life: Life, timeout: float | None) -> httpx.AsyncClient:
    """Return httpx's client, with a way through the simulated network."""
    made = httpx.AsyncClient(transport=Transport(life), timeout=timeout)
    made._cookies = _Cookies()  # noqa: SLF001  # its setter would make plain ones of these
    return made


class Transport(httpx.AsyncBaseTransport):
    """How a node's client reaches the others: through the simulated network."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one call; raises httpx's errors in virtual time."""
        self._life.fence()
        await request.aread()
        try:
            status, headers, body = await _Outgoing(self._life, request).run()
        finally:
            self._life.fence()
        response = httpx.Response(
            status, headers=headers, stream=httpx.ByteStream(body)
        )
        response.read()  # it is here: nothing more to wait for
        return response


class _Outgoing:
    """One call, as its caller sees it."""

    def __init__(self, caller: Life, request: httpx.Request) -> None:
        self._caller, self._fabric = caller, caller.fabric
        self._request, self._callee = request, request.url.host
        timeouts = request.extensions.get("timeout", {})
        self._connect_timeout: float | None = timeouts.get("connect")
        self._read_timeout: float | None = timeouts.get("read")
        self._answer: asyncio.Future[Response] = self._fabric.loop.create_future()
        self._connected = False
        self._span = self._begun()

    def _begun(self) -> Span:
        parent, ids = current_span.get(), self._caller.ids
        path = self._request.url.raw_path.decode("ascii").partition("?")[0]
        span = Span(
            span_id=f"{ids.getrandbits(64):016x}",
            trace_id=parent.trace_id if parent else f"{ids.getrandbits(128):032x}",
            parent_id=parent.span_id if parent else "",
            kind="client",
            node=self._caller.name,
            peer=self._callee,
            name=f"{self._request.method} {path}",
            start_us=self._fabric.clock.time_us(),
        )
        self._request.headers.setdefault("traceparent", traceparent(span))
        self._fabric.recorder.join(self._caller.name, "caller")
        return self._fabric.recorder.span(span)

    async def run(self) -> Response:
        """Send the request and wait for its reply, a failure or a timeout."""
        timer = self._send()
        try:
            response = await self._answer
        except httpx.HTTPError as error:
            self._end("error", _outcome(error))
            raise
        except asyncio.CancelledError:
            self._end("error", "given up by the caller")
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self._answer.cancel()
        self._span.status = response[0]
        self._end("error" if response[0] >= 500 else "ok")
        return response

    def _end(self, outcome: Literal["ok", "error"], note: str = "") -> None:
        self._span.end_us = self._fabric.clock.time_us()
        self._span.outcome, self._span.note = outcome, note

    def _send(self) -> asyncio.TimerHandle | None:
        fabric, span = self._fabric, self._span
        service = fabric.services.get(self._callee)
        if service is None:
            known = ", ".join(fabric.services) or "none yet"
            text = f"no service is called {self._callee!r}; services here: {known}"
            self._fail(httpx.ConnectError(text, request=self._request))
            return None
        message = fabric.recorder.message(
            "request",
            span.node,
            span.peer,
            label=span.name,
            sent_us=span.start_us,
            size=len(self._request.content),
            trace_id=span.trace_id,
            span_id=span.span_id,
        )
        network, pair = fabric.network, (span.node, span.peer)
        if network.cut(*pair) or network.cut(*reversed(pair)):
            # No connection comes about unless packets pass both ways.
            message.fate = "blocked"
            waited, error = self._connect_timeout, httpx.ConnectTimeout
            return self._wait(waited, error, "to connect to")
        self._connected = service.life is not None and service.life.alive
        network.send(message, self._arrive)
        return self._wait(self._read_timeout, httpx.ReadTimeout, "for a reply from")

    def _wait(
        self, seconds: float | None, error: type[httpx.TimeoutException], what: str
    ) -> asyncio.TimerHandle | None:
        if seconds is None:
            return None
        clock = self._fabric.clock
        at_us = clock.time_us() + microseconds(seconds)
        return clock.at(at_us, self._give_up, seconds, error, what)

    def _give_up(
        self, seconds: float, error: type[httpx.TimeoutException], what: str
    ) -> None:
        text = f"waited {seconds:g} s {what} {self._callee}"
        self._fail(error(text, request=self._request))

    def _fail(self, error: httpx.HTTPError) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)

    def _arrive(self, message: Message) -> Fate:
        callee = self._fabric.services[self._callee].life
        if callee is not None and callee.alive and callee.app is not None:
            Incoming(callee, callee.app, self._request, message, self).start()
            return "delivered"
        if self._connected:
            self.reset()
        else:
            text = f"{self._callee} does not listen: connection refused"
            self._fail_after_way_back(httpx.ConnectError(text, request=self._request))
        return "refused"

    def reset(self) -> None:
        """Learn, after the way back, that the connection is no more."""
        text = f"{self._callee} closed the connection without a reply"
        error = httpx.RemoteProtocolError(text, request=self._request)
        self._fail_after_way_back(error)

    def _fail_after_way_back(self, error: httpx.HTTPError) -> None:
        network, clock = self._fabric.network, self._fabric.clock
        if not network.cut(self._callee, self._caller.name):
            delay = network.delay_us(self._callee, self._caller.name)
            clock.at(clock.time_us() + delay, self._fail, error)

    def receive(self, response: Response) -> Fate:
        """Take the reply that has arrived, unless the wait for it is over."""
        if self._answer.done():
            return "late"
        self._answer.set_result(response)
        return "delivered"


def _outcome(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        phase = "connect" if isinstance(error, httpx.ConnectTimeout) else "read"
        return f"{phase} timeout"
    return str(error)
