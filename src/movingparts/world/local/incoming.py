"""A call as its callee sees it: the door that it comes in by, and what is noted."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from movingparts.core.node import (
    ASGIApp,
    Scope,
    current_span,
    parse_traceparent,
    summary,
)
from movingparts.core.recording import Span
from movingparts.world.local.clock import RealClock
from movingparts.world.local.ledger import Notes

# W3C Trace Context's place for what a tracing system adds; here, the caller's name.
TRACESTATE = "movingparts"
OUTSIDE = "outside"


class Door:
    """The callee's end: takes part in the trace, notes the call, and owns failures.

    An exception in the app is a 500 to the caller and a line in the service's log.
    uvicorn runs each request in a task of its own, so a caller that leaves cancels
    nothing.
    """

    def __init__(
        self,
        name: str,
        app: ASGIApp,
        clock: RealClock,
        notes: Notes,
        log: Callable[[str], None],
    ) -> None:
        self.name, self.log = name, log
        self.clock, self.notes = clock, notes
        self._app = app
        self.state: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Door of {self.name}>"

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Run the app for one request; anything but HTTP goes through untouched."""
        scope["state"] = dict(self.state)
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Incoming(self, scope, send)
        token = current_span.set(visit.span)
        try:
            await self._app(scope, receive, visit.send)
        except Exception as error:  # noqa: BLE001  # whatever the app raises is a 500
            await visit.excuse(error, summary(error))
        except asyncio.CancelledError as error:
            # The task is uvicorn's own, which ends with this request in any case.
            await visit.excuse(error, "ended by a stop")
        finally:
            current_span.reset(token)


class _Incoming:
    """One call, as its callee sees it."""

    def __init__(self, door: Door, scope: Scope, send: Any) -> None:
        self._door, self._send = door, send
        headers = dict(scope["headers"])
        trace, parent = parse_traceparent(_text(headers, b"traceparent"))
        state = entries(_text(headers, b"tracestate")).get(TRACESTATE, "")
        caller, _, call = state.rpartition(".")
        self._known = bool(caller and call)
        self._call = call or secrets.token_hex(8)
        self._caller = unquote(caller) or OUTSIDE
        self._size, self._replied = 0, False
        self.span = Span(
            span_id=secrets.token_hex(8),
            trace_id=trace or secrets.token_hex(16),
            parent_id=parent,
            kind="server",
            node=door.name,
            peer=self._caller,
            name=f"{scope['method']} {scope['path']}",
            start_us=door.clock.time_us(),
        )
        door.notes.span(self.span)
        if not self._known:
            message = noted_message(
                self.span, self._caller, door.name, self.span.start_us
            )
            door.notes.note(self._call, request=message)
        door.notes.note(self._call, arrived_us=self.span.start_us)

    async def send(self, message: dict[str, Any]) -> None:
        """Pass a part of the response on; note the reply when it is complete."""
        if message["type"] == "http.response.start":
            self.span.status = message["status"]
        elif message["type"] == "http.response.body":
            self._size += len(message.get("body", b""))
            if not message.get("more_body", False):
                self._reply()
        await self._send(message)

    async def excuse(self, error: BaseException, why: str) -> None:
        """Answer 500 unless the response has begun; the log has the reason."""
        self.span.note = why
        self._door.log(f"{self.span.name}: {self.span.note}")
        if self.span.status is None:
            body = b"Internal Server Error"
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            headers.append((b"content-length", str(len(body)).encode()))
            start = {"type": "http.response.start", "status": 500, "headers": headers}
            await self.send(start)
            await self.send({"type": "http.response.body", "body": body})
        elif self._replied:
            self._door.notes.span(self.span)  # its note is news
        else:
            self._close("error")
            raise error  # uvicorn closes the connection in the middle of the reply

    def _reply(self) -> None:
        self._replied = True
        status = self.span.status or 500
        now = self._close("error" if status >= 500 else "ok")
        self._door.log(f"{self.span.name} {status}")
        message = noted_message(self.span, self.span.node, self._caller, now)
        message["size"], message["status"] = self._size, status
        self._door.notes.note(self._call, reply=message)
        if not self._known:
            self._door.notes.note(self._call, received_us=now)

    def _close(self, outcome: Any) -> int:
        now = self._door.clock.time_us()
        self.span.end_us, self.span.outcome = now, outcome
        self._door.notes.span(self.span)
        return now


def noted_message(span: Span, source: str, target: str, at_us: int) -> dict[str, Any]:
    """Return the message that a span sends, as notes have it."""
    ids = {"trace_id": span.trace_id, "span_id": span.span_id}
    return {
        "source": source,
        "target": target,
        "label": span.name,
        "sent_us": at_us,
        **ids,
    }


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def entries(tracestate: str) -> dict[str, str]:
    """Return the entries of a `tracestate` header."""
    entries = (entry.strip().partition("=") for entry in tracestate.split(","))
    return {key: value for key, _, value in entries if value}
