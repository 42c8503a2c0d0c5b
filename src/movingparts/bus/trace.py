"""What a bus notes of its work: spans in OpenTelemetry's terms, messages with fates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from movingparts.core.event import Event
from movingparts.core.node import (
    current_span,
    parse_traceparent,
    summary,
    traceparent,
)
from movingparts.core.random import Random
from movingparts.core.recording import (
    Fate,
    Message,
    MessageKind,
    Recorder,
    Span,
    SpanKind,
)


class Trace:
    """The notes that one node's bus makes in a world's recording.

    `time_us` gives microseconds since the world began, `ids` the chance that span and
    trace ids come from.

    >>> notes = Trace("rides", "bus", Recorder("test", None, ""), lambda: 0, Random(7))
    >>> ended = Event("1", "/rides", "RideEnded")
    >>> span, event = notes.publishing("publish rides.ended", ended)
    >>> event.traceparent == traceparent(span)
    True

    Source: chapters 05 and 14. Leaves out: span links, which OpenTelemetry advises
    where one handler takes many events at once.
    """

    def __init__(
        self,
        node: str,
        broker: str,
        recorder: Recorder,
        time_us: Callable[[], int],
        ids: Random,
    ) -> None:
        self._node, self._broker, self._ids = node, broker, ids
        self.recorder, self.time_us = recorder, time_us

    def publishing(self, what: str, event: Event) -> tuple[Span, Event]:
        """Begin a producer's span; an event without `traceparent` gets the span's."""
        here = current_span.get()
        trace_id, parent_id = parse_traceparent(event.traceparent)
        if here is not None and trace_id in ("", here.trace_id):
            trace_id, parent_id = here.trace_id, here.span_id
        span = self._begin("producer", what, trace_id, parent_id)
        if event.traceparent is None:
            event = event.copied(traceparent=traceparent(span))
        return span, event

    def handling(self, what: str, event: Event) -> Span:
        """Begin a consumer's span, a child of the one that published the event."""
        span = self._begin("consumer", what, *parse_traceparent(event.traceparent))
        current_span.set(span)
        return span

    @contextmanager
    def during(self, span: Span) -> Iterator[None]:
        """End a span with the work in this context, whatever becomes of it."""
        try:
            yield
        except (Exception, asyncio.CancelledError) as error:
            self.ended(span, error)
            raise
        self.ended(span)

    def ended(self, span: Span, error: BaseException | None = None) -> None:
        """Note how a piece of work ended, in one line."""
        span.end_us = self.time_us()
        span.outcome = "ok" if error is None else "error"
        span.note = "" if error is None else summary(error)

    def _begin(self, kind: SpanKind, name: str, trace_id: str, parent_id: str) -> Span:
        self.recorder.join(self._node, "caller")
        self.recorder.join(self._broker, "broker")  # at its first use, not before
        return self.recorder.span(
            Span(
                span_id=f"{self._ids.getrandbits(64):016x}",
                trace_id=trace_id or f"{self._ids.getrandbits(128):032x}",
                parent_id=parent_id,
                kind=kind,
                node=self._node,
                peer=self._broker,
                name=name,
                start_us=self.time_us(),
            )
        )


class Notes:
    """What a bus on a real broker notes of its messages; without a recorder, nothing.

    A message from the broker is noted when it arrives: when it set out is not known.
    """

    def __init__(
        self,
        node: str,
        broker: str,
        recorder: Recorder | None,
        time_us: Callable[[], int] | None,
    ) -> None:
        self._out, self._in = (node, broker), (broker, node)
        self._recorder, self._time_us = recorder, time_us

    def sent(self, kind: MessageKind, event: Event, size: int) -> Message | None:
        """Note a message to the broker."""
        return self._message(kind, self._out, event, size=size)

    def there(self, message: Message | None, fate: Fate = "delivered") -> None:
        """Note that a message has got to the broker."""
        if message is not None and self._time_us is not None:
            message.arrived_us, message.fate = self._time_us(), fate

    def acknowledged(self, message: Message | None, event: Event) -> None:
        """Note that a stream has an event, and has said so."""
        self.there(message)
        self.there(self._message("ack", self._in, event, answers=message))

    def arrived(
        self,
        kind: MessageKind,
        event: Event,
        size: int,
        answers: Message | None = None,
    ) -> Message | None:
        """Note a message from the broker."""
        message = self._message(kind, self._in, event, size=size, answers=answers)
        self.there(message)
        return message

    def settled(
        self, event: Event, delivery: Message | None, *, refused: bool
    ) -> Message | None:
        """Note an acknowledgment or a refusal that was sent."""
        message = self._message("ack", self._out, event, answers=delivery)
        if message is not None and refused:
            message.label += " refused"
        return message

    def buried(self, letter: Event) -> None:
        """Note a dead letter."""
        if self._recorder is not None and self._time_us is not None:
            text = f"{letter.subject}: {letter.data['reason']}"
            self._recorder.moment(self._time_us(), "dead letter", (self._in[0],), text)

    def _message(
        self,
        kind: MessageKind,
        link: tuple[str, str],
        event: Event,
        *,
        size: int = 0,
        answers: Message | None = None,
    ) -> Message | None:
        if self._recorder is None or self._time_us is None:
            return None
        trace_id, span_id = parse_traceparent(event.traceparent)
        return self._recorder.message(
            kind,
            *link,
            label=event.type,
            sent_us=self._time_us(),
            size=size,
            answers=None if answers is None else answers.id,
            trace_id=trace_id,
            span_id=span_id,
        )
