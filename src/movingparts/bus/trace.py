"""What a bus records: spans in OpenTelemetry's terms, and messages with their fates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

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

NOTHING = nullcontext()


def record(
    recorder: Recorder,
    kind: MessageKind,
    link: tuple[str, str],
    event: Event,
    *,
    label: str = "",
    answers: Message | None = None,
    **rest: Any,
) -> Message:
    """Record a message that carries an event, or that answers one that did."""
    trace_id, span_id = parse_traceparent(event.traceparent)
    return recorder.message(
        kind,
        *link,
        label=label or event.type,
        answers=None if answers is None else answers.id,
        trace_id=trace_id,
        span_id=span_id,
        **rest,
    )


class Trace:
    """What one node's bus puts into a world's recording; without a recorder, nothing.

    `time_us` gives microseconds since the world began; span and trace ids are drawn
    from `ids`.

    >>> recorder = Recorder("test", None, "")
    >>> trace = Trace("rides", "bus", recorder, lambda: 0, Random(7))
    >>> ended = Event("1", "/rides", "RideEnded")
    >>> span, event = trace.publishing("publish", "rides.ended", ended)
    >>> event.traceparent == traceparent(span)
    True

    Source: chapters 05 and 14. Leaves out: span links, which OpenTelemetry advises
    where one handler takes many events at once.
    """

    def __init__(
        self,
        node: str,
        broker: str,
        recorder: Recorder | None,
        time_us: Callable[[], int],
        ids: Random,
    ) -> None:
        self._node, self._broker, self._ids = node, broker, ids
        self._recorder, self._time_us = recorder, time_us

    # --- spans ------------------------------------------------------------------

    def publishing(
        self, verb: str, subject: str, event: Event
    ) -> tuple[Span | None, Event]:
        """Begin a producer's span; an event without `traceparent` gets the span's."""
        if self._recorder is None:
            return None, event
        here = current_span.get()
        trace_id, parent_id = parse_traceparent(event.traceparent)
        if here is not None and trace_id in ("", here.trace_id):
            trace_id, parent_id = here.trace_id, here.span_id
        name = f"{verb} {subject}"
        span = self._begin(self._recorder, "producer", name, trace_id, parent_id)
        if event.traceparent is None:
            event = event.copied(traceparent=traceparent(span))
        return span, event

    def handling(self, subject: str, event: Event) -> Span | None:
        """Begin a consumer's span, a child of the one that published the event."""
        if self._recorder is None:
            return None
        parent = parse_traceparent(event.traceparent)
        span = self._begin(self._recorder, "consumer", f"process {subject}", *parent)
        current_span.set(span)
        return span

    def during(self, span: Span | None) -> AbstractContextManager[None]:
        """End a span with the work in this context, however the work ends."""
        return NOTHING if span is None else self._during(span)

    @contextmanager
    def _during(self, span: Span) -> Iterator[None]:
        try:
            yield
        except (Exception, asyncio.CancelledError) as error:
            self.ended(span, error)
            raise
        self.ended(span)

    def ended(self, span: Span | None, error: BaseException | None = None) -> None:
        """Record in one line how a piece of work ended."""
        if span is None:
            return
        span.end_us = self._time_us()
        span.outcome = "ok" if error is None else "error"
        span.note = "" if error is None else summary(error)

    def _begin(
        self,
        recorder: Recorder,
        kind: SpanKind,
        name: str,
        trace_id: str,
        parent_id: str,
    ) -> Span:
        recorder.join(self._node, "caller")
        recorder.join(self._broker, "broker")  # at its first use, not before
        return recorder.span(
            Span(
                span_id=f"{self._ids.getrandbits(64):016x}",
                trace_id=trace_id or f"{self._ids.getrandbits(128):032x}",
                parent_id=parent_id,
                kind=kind,
                node=self._node,
                peer=self._broker,
                name=name,
                start_us=self._time_us(),
            )
        )

    # --- messages to and from a real broker ---------------------------------------

    def sent(
        self,
        kind: MessageKind,
        event: Event,
        size: int,
        answers: Message | None = None,
        label: str = "",
    ) -> Message | None:
        """Record a message to the broker."""
        if self._recorder is None:
            return None
        return record(
            self._recorder,
            kind,
            (self._node, self._broker),
            event,
            label=label,
            answers=answers,
            sent_us=self._time_us(),
            size=size,
        )

    def arrived(
        self,
        kind: MessageKind,
        event: Event,
        size: int,
        answers: Message | None = None,
    ) -> Message | None:
        """Record a message from the broker when it arrives.

        Nobody says when the broker sent it.
        """
        if self._recorder is None:
            return None
        now = self._time_us()
        link = (self._broker, self._node)
        message = record(
            self._recorder, kind, link, event, answers=answers, sent_us=now, size=size
        )
        self.reached(message)
        return message

    def reached(self, message: Message | None, fate: Fate = "delivered") -> None:
        """Record that a message has got to where it was going."""
        if message is not None:
            message.arrived_us, message.fate = self._time_us(), fate

    def dead_letter(self, letter: Event) -> None:
        """Record a dead letter."""
        if self._recorder is not None:
            text = f"{letter.subject}: {letter.data['reason']}"
            nodes = (self._broker,)
            self._recorder.moment(self._time_us(), "dead letter", nodes, text)
