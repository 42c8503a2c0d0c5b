"""One HTTP call across the simulated network, from the caller's side and back."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import httpx

from movingparts.core.asgi import Exchange, Headers
from movingparts.core.errors import WorldError
from movingparts.core.node import (
    ASGIApp,
    current_span,
    parse_traceparent,
    summary,
    traceparent,
)
from movingparts.core.random import microseconds
from movingparts.core.recording import Fate, Message, MessageKind, Span
from movingparts.world.simulated.life import Life

Response = tuple[int, Headers, bytes]


class Transport(httpx.AsyncBaseTransport):
    """How a node's client reaches the others: through the simulated network."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one call; raises httpx's errors in virtual time."""
        self._life.fence()
        body = await request.aread()
        call = Call(self._life, request, body)
        try:
            status, headers, content = await call.run()
        finally:
            self._life.fence()
        return httpx.Response(status, headers=headers, content=content)


class Call:
    """One HTTP call, from the caller's side and across the network."""

    def __init__(self, caller: Life, request: httpx.Request, body: bytes) -> None:
        self.fabric, self.caller = caller.fabric, caller
        self.request, self.body = request, body
        self.name = request.url.host
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        self.label = f"{request.method} {path}"
        timeouts = request.extensions.get("timeout", {})
        self.connect_timeout: float | None = timeouts.get("connect")
        self.read_timeout: float | None = timeouts.get("read")
        self.answer: asyncio.Future[Response] = self.fabric.loop.create_future()
        self.connected = False
        self.span = self._span()

    def _span(self) -> Span:
        parent = current_span.get()
        ids = self.caller.ids
        span = Span(
            span_id=f"{ids.getrandbits(64):016x}",
            trace_id=parent.trace_id if parent else f"{ids.getrandbits(128):032x}",
            parent_id=parent.span_id if parent else "",
            kind="client",
            node=self.caller.name,
            peer=self.name,
            name=self.label,
            start_us=self.fabric.clock.time_us(),
        )
        return self.fabric.recorder.span(span)

    async def run(self) -> Response:
        """Send the request and wait for its reply, a failure or a timeout."""
        if "traceparent" not in self.request.headers:
            self.request.headers["traceparent"] = traceparent(self.span)
        self.fabric.recorder.join(self.caller.name, "caller")
        timer = self._send()
        try:
            status, headers, body = await self.answer
        except httpx.HTTPError as error:
            self._end("error", _outcome(error))
            raise
        except asyncio.CancelledError:
            self._end("error", "given up by the caller")
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self.answer.cancel()
        self._end("error" if status >= 500 else "ok", "", status)
        return status, headers, body

    def _send(self) -> asyncio.TimerHandle | None:
        service = self.fabric.services.get(self.name)
        if service is None:
            known = ", ".join(self.fabric.services) or "none yet"
            text = f"no service is called {self.name!r}; services here: {known}"
            self._fail(httpx.ConnectError(text, request=self.request))
            return None
        message = self._message("request", self.caller.name, self.name, len(self.body))
        network, pair = self.fabric.network, (self.caller.name, self.name)
        if network.cut(*pair) or network.cut(*reversed(pair)):
            # No connection comes about unless packets pass both ways.
            message.fate = "blocked"
            return self._wait(
                self.connect_timeout, httpx.ConnectTimeout, "to connect to"
            )
        self.connected = service.life is not None and service.life.alive
        network.send(message, self._arrive)
        return self._wait(self.read_timeout, httpx.ReadTimeout, "for a reply from")

    def _message(
        self, kind: MessageKind, source: str, target: str, size: int
    ) -> Message:
        return self.fabric.recorder.message(
            kind,
            source,
            target,
            label=self.label,
            sent_us=self.fabric.clock.time_us(),
            size=size,
            trace_id=self.span.trace_id,
            span_id=self.span.span_id,
        )

    def _wait(
        self, seconds: float | None, error: type[httpx.TimeoutException], what: str
    ) -> asyncio.TimerHandle | None:
        if seconds is None:
            return None
        text = f"waited {seconds:g} s {what} {self.name}"
        failure = error(text, request=self.request)
        clock = self.fabric.clock
        return clock.at(clock.time_us() + microseconds(seconds), self._fail, failure)

    def _fail(self, error: httpx.HTTPError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def _end(
        self, outcome: Literal["ok", "error"], note: str, status: int | None = None
    ) -> None:
        self.span.end_us = self.fabric.clock.time_us()
        self.span.outcome, self.span.note, self.span.status = outcome, note, status

    def _arrive(self, message: Message) -> Fate:
        callee = self.fabric.services[self.name].life
        if callee is None or not callee.alive or callee.app is None:
            if self.connected:
                self.reset()
            else:
                text = f"{self.name} does not listen: connection refused"
                self._fail_after_way_back(
                    httpx.ConnectError(text, request=self.request)
                )
            return "refused"
        callee.inbound[self] = None
        callee.requests.create_task(
            self._handle(callee, callee.app, message),
            name=self.label,
            context=self.fabric.context.copy(),
        )
        return "delivered"

    def reset(self) -> None:
        """Tell the caller, after the way back, that the connection is no more."""
        text = f"{self.name} closed the connection without a reply"
        error = httpx.RemoteProtocolError(text, request=self.request)
        self._fail_after_way_back(error)

    def _fail_after_way_back(self, error: httpx.HTTPError) -> None:
        network, clock = self.fabric.network, self.fabric.clock
        if not network.cut(self.name, self.caller.name):
            delay = network.delay_us(self.name, self.caller.name)
            clock.at(clock.time_us() + delay, self._fail, error)

    async def _handle(self, callee: Life, app: ASGIApp, message: Message) -> None:
        """Run the callee's app; this task is the callee's, never the caller's."""
        span = self._server_span(callee)
        current_span.set(span)

        def on_response(status: int, headers: Headers, body: bytes) -> None:
            if callee.alive:
                self._reply(span, message, (status, headers, body))
                callee.log(f"{self.label} {status}")

        exchange = Exchange(self.body, on_response)
        try:
            error = await exchange.run(app, self._scope(callee))
        except asyncio.CancelledError:
            if span.end_us is None:
                span.end_us = self.fabric.clock.time_us()
                span.outcome, span.note = "error", "ended by a crash"
            raise
        finally:
            callee.inbound.pop(self, None)
        if error is not None and callee.alive:
            span.note = summary(error)
            callee.log(f"{self.label}: {span.note}")
            if isinstance(error, WorldError):
                self.fabric.fail(error)

    def _server_span(self, callee: Life) -> Span:
        header = self.request.headers.get("traceparent")
        trace, parent = parse_traceparent(header)
        span = Span(
            span_id=f"{callee.ids.getrandbits(64):016x}",
            trace_id=trace or self.span.trace_id,
            parent_id=parent or self.span.span_id,
            kind="server",
            node=callee.name,
            peer=self.caller.name,
            name=self.label,
            start_us=self.fabric.clock.time_us(),
        )
        return self.fabric.recorder.span(span)

    def _scope(self, callee: Life) -> dict[str, Any]:
        url = self.request.url
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.request.method,
            "headers": [(k.lower(), v) for k, v in self.request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port or 80),
            "client": (self.caller.name, 0),
            "root_path": "",
            "state": dict(callee.lifespan.state) if callee.lifespan else {},
        }

    def _reply(self, span: Span, asked: Message, response: Response) -> None:
        status, _, body = response
        span.end_us, span.status = self.fabric.clock.time_us(), status
        span.outcome = "error" if status >= 500 else "ok"
        reply = self._message("reply", self.name, self.caller.name, len(body))
        reply.status, reply.answers = status, asked.id
        reply.span_id = span.span_id

        def arrive(message: Message) -> Fate:
            if self.answer.done():
                return "late"
            self.answer.set_result(response)
            return "delivered"

        self.fabric.network.send(reply, arrive)


def _outcome(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        phase = "connect" if isinstance(error, httpx.ConnectTimeout) else "read"
        return f"{phase} timeout"
    return str(error)
