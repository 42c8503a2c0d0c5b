"""A call as its callee sees it: the app runs in a task of its own, and replies."""

from __future__ import annotations

import asyncio
from functools import partial

import httpx

from movingparts.core.asgi import Exchange, Headers
from movingparts.core.errors import WorldError
from movingparts.core.node import (
    ASGIApp,
    Scope,
    current_span,
    parse_traceparent,
    summary,
)
from movingparts.core.recording import Fate, Message, Span
from movingparts.world.simulated.life import Caller, Life, Response


class Incoming:
    """One call, as its callee sees it; its task is the callee's, never the caller's."""

    def __init__(
        self,
        callee: Life,
        app: ASGIApp,
        request: httpx.Request,
        message: Message,
        caller: Caller,
    ) -> None:
        self._callee, self._app, self._caller = callee, app, caller
        self._request, self._message = request, message
        self._fabric = callee.fabric

    def start(self) -> None:
        """Begin to work on it."""
        self._callee.inbound[self._caller] = None
        self._callee.requests.create_task(
            self._run(),
            name=self._message.label,
            context=self._fabric.context.copy(),
        )

    async def _run(self) -> None:
        callee = self._callee
        span = self._span = self._begun()
        current_span.set(span)
        exchange = Exchange(self._request.content, self._reply)
        try:
            error = await exchange.run(self._app, self._scope())
        except asyncio.CancelledError:
            if span.end_us is None:
                span.end_us = self._fabric.clock.time_us()
                span.outcome, span.note = "error", "ended by a crash"
            raise
        finally:
            callee.inbound.pop(self._caller, None)
        if error is not None and callee.alive:
            span.note = summary(error)
            callee.log(f"{span.name}: {span.note}")
            if isinstance(error, WorldError):
                self._fabric.fail(error)

    def _begun(self) -> Span:
        message = self._message
        header = self._request.headers.get("traceparent")
        trace_id, parent_id = parse_traceparent(header)
        span = Span(
            span_id=f"{self._callee.ids.getrandbits(64):016x}",
            trace_id=trace_id or message.trace_id,
            parent_id=parent_id or message.span_id,
            kind="server",
            node=self._callee.name,
            peer=message.source,
            name=message.label,
            start_us=self._fabric.clock.time_us(),
        )
        return self._fabric.recorder.span(span)

    def _scope(self) -> Scope:
        request, lifespan = self._request, self._callee.lifespan
        url = request.url
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(k.lower(), v) for k, v in request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port or 80),
            "client": (self._message.source, 0),
            "root_path": "",
            "state": dict(lifespan.state) if lifespan else {},
        }

    def _reply(self, status: int, headers: Headers, body: bytes) -> None:
        if not self._callee.alive:
            return
        span, asked = self._span, self._message
        now = span.end_us = self._fabric.clock.time_us()
        span.status, span.outcome = status, "error" if status >= 500 else "ok"
        message = self._fabric.recorder.message(
            "reply",
            asked.target,
            asked.source,
            label=asked.label,
            sent_us=now,
            size=len(body),
            status=status,
            answers=asked.id,
            trace_id=asked.trace_id,
            span_id=span.span_id,
        )
        arrive = partial(self._arrive, (status, headers, body))
        self._fabric.network.send(message, arrive)
        self._callee.log(f"{asked.label} {status}")

    def _arrive(self, response: Response, _: Message) -> Fate:
        return self._caller.receive(response)
