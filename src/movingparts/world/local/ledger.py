"""What is seen of real calls, from both ends, put together into a recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from movingparts.core.recording import Message, MessageKind, Recorder, Span

REPORTS = "_movingparts.reports"  # where spawned services report what they have seen


def settling(name: str) -> str:
    """Return the subject on which a spawned service is asked to report all."""
    return f"_movingparts.settle.{name}"


class Notes(Protocol):
    """Where each end of a call notes what it sees.

    In the kernel that is the `Ledger`; in a process of its own, a `Reporter` that sends
    each note to the kernel's ledger over the broker.
    """

    def span(self, span: Span) -> None:
        """Note a piece of work, when it begins and again when it has ended."""
        ...

    def note(self, call: str, **seen: Any) -> None:
        """Note what one end of a call sees; `call` is the id of its client span.

        The caller notes `request` (a message's fields) when it sends, then one of
        `received_us` (it has the whole reply), `refused` (nobody listened, with the
        reason) and `left=True` (it waits no longer). The callee notes `arrived_us` and
        `reply` (a message's fields).
        """
        ...


@dataclass(slots=True)
class _Call:
    """What both ends have noted of one call so far, in whichever order it came."""

    request: Message | None = None
    reply: Message | None = None
    arrived_us: int | None = None
    received_us: int | None = None
    refused: str | None = None
    left: bool = False

    @property
    def over(self) -> bool:
        answered = self.reply is not None and self.arrived_us is not None
        ended = self.received_us is not None or self.left
        return self.request is not None and (
            self.refused is not None or (answered and ended)
        )

    def settle(self) -> None:
        """Fill in what is known by now."""
        asked, reply = self.request, self.reply
        if asked is not None and self.refused is not None:
            asked.fate, asked.note = "refused", self.refused
        if asked is not None and self.arrived_us is not None:
            asked.fate, asked.arrived_us = "delivered", self.arrived_us
        if reply is None:
            return
        if asked is not None:
            reply.answers = asked.id
        if self.received_us is not None:
            reply.fate, reply.arrived_us = "delivered", self.received_us
        elif self.left:  # it went into a closed connection, and nobody saw when
            reply.fate, reply.arrived_us = "late", reply.sent_us


class Ledger:
    """Puts the notes of both ends of each call together, in any order.

    Two processes tell of one call over two connections, so a reply may be noted before
    its request. A message whose arrival nobody noted stays "in flight": its sender
    cannot know more.

    >>> recorder = Recorder("local", None, "")
    >>> ledger = Ledger(recorder)
    >>> link = {"source": "rides", "target": "pricing", "label": "GET /quote"}
    >>> ledger.note("c1", request={**link, "sent_us": 10})
    >>> ledger.note("c1", arrived_us=14)
    >>> recorder.recording(20).messages[0].fate
    'delivered'
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._calls: dict[str, _Call] = {}
        self._silent: set[str] = set()
        self._spans: dict[str, Span] = {}
        self._mirrored: dict[str, Message] = {}

    def __repr__(self) -> str:
        return f"<Ledger: {len(self._calls)} calls under way>"

    def reports(self, name: str, *, reports: bool) -> None:
        """Say whether a service notes its end of a call; other languages don't."""
        if reports:
            self._silent.discard(name)
        else:
            self._silent.add(name)

    def span(self, span: Span) -> None:
        """Note a piece of work, when it begins and again when it has ended."""
        known = self._spans.get(span.span_id)
        if known is None:
            self._spans[span.span_id] = self._recorder.span(span)
        elif known is not span:
            known.end_us, known.outcome = span.end_us, span.outcome
            known.status, known.note = span.status, span.note

    def note(self, call: str, **seen: Any) -> None:
        """Note what one end of a call sees."""
        known = self._calls.setdefault(call, _Call())
        for what, value in seen.items():
            if what == "request":
                known.request = self._recorder.message("request", **value)
            elif what == "reply":
                known.reply = self._recorder.message("reply", **value)
            else:
                setattr(known, what, value)
        self._fill_in(call, known)
        known.settle()
        if known.over:
            del self._calls[call]

    def _fill_in(self, call: str, known: _Call) -> None:
        """Note a silent callee's end as far as the caller's tells of it.

        When the request arrived is not known: it is put in the middle.
        """
        asked = known.request
        if asked is None or asked.target not in self._silent:
            return
        if known.received_us is None or known.reply is not None:
            return
        known.arrived_us = (asked.sent_us + known.received_us) // 2
        ids = {"trace_id": asked.trace_id, "span_id": asked.span_id}
        known.reply = self._recorder.message(
            "reply",
            asked.target,
            asked.source,
            label=asked.label,
            sent_us=known.arrived_us,
            status=self._spans[call].status,
            **ids,
        )

    def take(self, report: dict[str, Any]) -> None:
        """Enter what a `Reporter` or a `Mirror` sent."""
        if "span" in report:
            self.span(Span(**report["span"]))
        elif "message" in report:
            self._mirror(report["key"], report["message"])
        else:
            self.note(report["call"], **report["seen"])

    def _mirror(self, key: str, fields: dict[str, Any]) -> None:
        """Enter a message of another recorder, or what became of it."""
        whose = key.rpartition(":")[0]
        for name in ("answers", "copy_of"):  # they count in the other's numbers
            other = self._mirrored.get(f"{whose}:{fields[name]}")
            fields[name] = other.id if other is not None else None
        del fields["id"]
        known = self._mirrored.get(key)
        if known is None:
            kind, source, target = (fields.pop(n) for n in ("kind", "source", "target"))
            self._mirrored[key] = self._recorder.message(kind, source, target, **fields)
        else:
            for name, value in fields.items():
                setattr(known, name, value)


class Reporter:
    """Notes that are sent elsewhere, each as fields that JSON can carry.

    >>> reports: list[dict[str, Any]] = []
    >>> Reporter(reports.append).note("c1", arrived_us=14)
    >>> reports
    [{'call': 'c1', 'seen': {'arrived_us': 14}}]
    """

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send

    def span(self, span: Span) -> None:
        """Send a piece of work, when it begins and again when it has ended."""
        self._send({"span": asdict(span)})

    def note(self, call: str, **seen: Any) -> None:
        """Send what one end of a call sees."""
        self._send({"call": call, "seen": seen})


class Mirror(Recorder):
    """A recorder whose news another process enters into its own ledger.

    What a bus writes down it fills in later, so each row is sent when it is new and
    again when it has changed.

    >>> mirror = Mirror("pricing-1")
    >>> _ = mirror.message("event", "pricing", "bus", label="rides.ended", sent_us=5)
    >>> [report["key"] for report in mirror.news()]
    ['pricing-1:0']
    >>> mirror.news()
    []
    """

    def __init__(self, whose: str) -> None:
        super().__init__("mirror", None, "")
        self._whose = whose
        self._open: list[tuple[Message | Span, dict[str, Any]]] = []

    def message(
        self, kind: MessageKind, source: str, target: str, **rest: Any
    ) -> Message:
        """Note that a message was sent."""
        message = super().message(kind, source, target, **rest)
        self._open.append((message, {}))
        return message

    def span(self, span: Span) -> Span:
        """Note that a piece of work began."""
        self._open.append((span, {}))
        return super().span(span)

    def news(self) -> list[dict[str, Any]]:
        """Return what is new or has changed since the last time."""
        rows, self._open = self._open, []
        found: list[dict[str, Any]] = []
        for row, before in rows:
            now = asdict(row)
            if now != before:
                found.append(self._report(row, now))
            if (
                (row.fate == "in flight")
                if isinstance(row, Message)
                else not row.end_us
            ):
                self._open.append((row, now))
        return found

    def _report(self, row: Message | Span, now: dict[str, Any]) -> dict[str, Any]:
        if isinstance(row, Span):
            return {"span": now}
        return {"key": f"{self._whose}:{row.id}", "message": now}
