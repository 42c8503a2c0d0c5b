"""What happened in a world: every message, call and moment, with its fate."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

FORMAT = "movingparts.recording/1"

MessageKind = Literal["request", "reply", "event", "ack"]
Fate = Literal[
    "in flight",  # sent; the recording ended before it arrived
    "delivered",
    "lost",  # the network lost it
    "blocked",  # a partition stood in its way
    "refused",  # it arrived where nobody listens
    "late",  # it arrived after the one who waited for it had given up
]
SpanKind = Literal["client", "server", "producer", "consumer", "internal"]


class RecordingError(ValueError):
    """A text is not a recording; the message says what is wrong with it."""


@dataclass(slots=True)
class Message:
    """One message on one link, from the moment it was sent.

    Times are integer microseconds since the world began. `span_id` is the span
    that sent it; a reply and an ack carry the id of what they answer in `answers`.
    A copy that the network made has the id of its original in `copy_of`.
    """

    id: int
    kind: MessageKind
    source: str
    target: str
    label: str
    sent_us: int
    arrived_us: int | None = None
    fate: Fate = "in flight"
    size: int = 0
    status: int | None = None
    answers: int | None = None
    copy_of: int | None = None
    trace_id: str = ""
    span_id: str = ""
    note: str = ""


@dataclass(slots=True)
class Span:
    """One piece of work, in OpenTelemetry's terms, on the node that did it.

    `outcome` is `ok`, `error` or, while it lasts, `unset`; `note` says more
    ("read timeout", "500"). Times are integer microseconds.

    Leaves out: there, `unset` is also how most spans end, and a client's span ends as
    an error where the answer is a 4xx; here both are `ok`.
    """

    span_id: str
    trace_id: str
    parent_id: str
    kind: SpanKind
    node: str
    peer: str
    name: str
    start_us: int
    end_us: int | None = None
    outcome: Literal["unset", "ok", "error"] = "unset"
    status: int | None = None
    note: str = ""


@dataclass(slots=True)
class Moment:
    """Something that happened to a node or a link: a crash, a partition, a note."""

    at_us: int
    kind: str
    nodes: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Fault:
    """A fault that was injected; `simulate(without={key})` runs without it."""

    key: str
    at_us: int
    text: str


@dataclass(slots=True)
class Member:
    """A node that took part: a service, a caller or the broker."""

    name: str
    kind: Literal["service", "caller", "broker"]


@dataclass(slots=True)
class Recording:
    """All that a world saw: who sent what to whom, when, and what became of it.

    `result` is what the scenario returned; it stays in memory and is not part of
    the JSON. Two runs with the same seed give the same bytes.

    >>> empty = Recording(world="simulated", seed=7)
    >>> Recording.from_json(empty.to_json()) == empty
    True
    >>> empty
    <Recording simulated seed=7: 0 messages among 0 nodes in 0.000 s>

    Source: chapter 01; the terms are OpenTelemetry's (trace, span, parent).
    Leaves out: attributes, links and sampling of real traces.
    """

    world: str
    seed: int | None = None
    started_at: str = ""
    duration_us: int = 0
    nodes: list[Member] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    result: Any = field(default=None, compare=False)

    def to_json(self) -> str:
        """Return the recording as one line of JSON, the same for the same run."""
        body: dict[str, Any] = {"format": FORMAT}
        for item in fields(self):
            if item.name == "result":
                continue
            value = getattr(self, item.name)
            body[item.name] = (
                [asdict(row) for row in value] if isinstance(value, list) else value
            )
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Recording:
        """Read what `to_json` wrote; raise `RecordingError` for anything else."""
        try:
            body = json.loads(text)
        except ValueError as error:
            raise RecordingError(f"this is not JSON: {error}") from None
        if not isinstance(body, dict) or body.pop("format", None) != FORMAT:
            raise RecordingError(f"this is not a recording: no format {FORMAT!r}")
        try:
            for name, kind in _ROWS.items():
                body[name] = [kind(**row) for row in body.get(name, [])]
            for moment in body["moments"]:
                moment.nodes = tuple(moment.nodes)
            recording = cls(**body)
        except TypeError as error:
            raise RecordingError(f"this recording is damaged: {error}") from None
        fates = {message.fate for message in recording.messages} - set(get_args(Fate))
        if fates:
            raise RecordingError(f"this recording has unknown fates: {sorted(fates)}")
        return recording

    def trace(self, trace_id: str) -> Recording:
        """Return what followed from one first request: its messages and its spans."""
        return replace(
            self,
            messages=[m for m in self.messages if m.trace_id == trace_id],
            spans=[span for span in self.spans if span.trace_id == trace_id],
        )

    def table(self, *, limit: int | None = 60) -> Table:
        """Return what happened in order of time, a row a message or moment.

        `limit` is the most rows that are shown; None shows all.
        """
        rows = [(m.sent_us, 1, m.id, _message_row(m)) for m in self.messages]
        rows += [
            (moment.at_us, 0, number, _moment_row(moment))
            for number, moment in enumerate(self.moments)
        ]
        rows.sort(key=lambda row: row[:3])
        return Table(COLUMNS, [row[3] for row in rows], limit)

    def __repr__(self) -> str:
        seed = "" if self.seed is None else f" seed={self.seed}"
        lost = sum(message.fate != "delivered" for message in self.messages)
        undelivered = f", {lost} not delivered" if lost else ""
        return (
            f"<Recording {self.world}{seed}: {_count(self.messages, 'message')}"
            f"{undelivered} among {_count(self.nodes, 'node')}"
            f" in {self.duration_us / 1e6:.3f} s>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.table()._repr_html_()}"


_ROWS: dict[str, type[Any]] = {
    "nodes": Member,
    "messages": Message,
    "spans": Span,
    "moments": Moment,
    "faults": Fault,
}
COLUMNS = ("sent", "arrived", "from", "to", "what", "became")


def _count(rows: Sequence[object], noun: str) -> str:
    return f"{len(rows):,} {noun}{'' if len(rows) == 1 else 's'}"


def _milliseconds(at_us: int | None) -> str:
    return "" if at_us is None else f"{at_us / 1000:,.3f} ms"


def _message_row(message: Message) -> tuple[str, ...]:
    status = "" if message.status is None else f" {message.status}"
    copy = "copy, " if message.copy_of is not None else ""
    note = f" ({message.note})" if message.note else ""
    return (
        _milliseconds(message.sent_us),
        _milliseconds(message.arrived_us),
        message.source,
        message.target,
        f"{message.kind} {message.label}{status}",
        f"{copy}{message.fate}{note}",
    )


def _moment_row(moment: Moment) -> tuple[str, ...]:
    names = ", ".join(moment.nodes)
    return (_milliseconds(moment.at_us), "", names, "", moment.kind, moment.text)


@dataclass(slots=True)
class Table:
    """Rows of text under a header, as a notebook and a terminal show them."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    limit: int | None = 60

    def __len__(self) -> int:
        return len(self.rows)

    def _shown(self) -> tuple[list[tuple[str, ...]], str]:
        shown = self.rows if self.limit is None else self.rows[: self.limit]
        left = len(self.rows) - len(shown)
        return shown, f"and {left:,} more rows" if left else ""

    def __repr__(self) -> str:
        shown, more = self._shown()
        lines = [self.columns, *shown]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        text = [_padded(line, widths) for line in lines]
        return "\n".join([*text, *([f"… {more}"] if more else [])])

    def _repr_html_(self) -> str:
        shown, more = self._shown()
        head = "".join(f'<th scope="col">{html.escape(c)}</th>' for c in self.columns)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in shown)
        caption = f"<caption>{more}</caption>" if more else ""
        return (
            f'<table class="mp-table">{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


def _padded(line: Iterable[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
    return "  ".join(cells).rstrip()


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td>{html.escape(cell)}</td>" for cell in row)


class Recorder:
    """What a world writes into while it runs; `recording()` is a view of it now."""

    def __init__(self, world: str, seed: int | None, started_at: str) -> None:
        self._recording = Recording(world, seed, started_at)
        self._members: dict[str, Member] = {}
        self._limit: int | None = None
        self._over: Callable[[], object] = bool

    def limit(self, messages: int, over: Callable[[], object]) -> None:
        """Call `over` when more than so many messages were sent."""
        self._limit, self._over = messages, over

    def join(self, name: str, kind: Literal["service", "caller", "broker"]) -> None:
        """Note that a node takes part; a caller that begins to serve is a service."""
        member = self._members.get(name)
        if member is None:
            member = self._members[name] = Member(name, kind)
            self._recording.nodes.append(member)
        elif kind == "service":
            member.kind = kind

    def message(
        self, kind: MessageKind, source: str, target: str, **rest: Any
    ) -> Message:
        """Note that a message was sent; its fate is filled in as it becomes known."""
        messages = self._recording.messages
        message = Message(len(messages), kind, source, target, **rest)
        messages.append(message)
        if self._limit is not None and len(messages) > self._limit:
            self._over()
        return message

    def span(self, span: Span) -> Span:
        """Note that a piece of work began; its end is filled in later."""
        self._recording.spans.append(span)
        return span

    def moment(self, at_us: int, kind: str, nodes: Iterable[str], text: str) -> None:
        """Note a crash, a partition, or anything else that is no message."""
        self._recording.moments.append(Moment(at_us, kind, tuple(nodes), text))

    def fault(self, key: str, at_us: int, text: str) -> None:
        """Note that a fault was injected, under the key that can suppress it."""
        self._recording.faults.append(Fault(key, at_us, text))

    def recording(self, now_us: int) -> Recording:
        """Return the recording as it stands at `now_us`; it goes on growing."""
        self._recording.duration_us = now_us
        return self._recording

    def seal(self, now_us: int) -> Recording:
        """Return the recording as it stands at `now_us`, which changes no more.

        What is unfinished is put in as a copy, out of reach of those who still hold
        the original.
        """
        live, self._recording = self.recording(now_us), Recording("sealed")
        for place, message in enumerate(live.messages):
            if message.fate == "in flight":
                live.messages[place] = replace(message)
        for place, span in enumerate(live.spans):
            if span.end_us is None:
                live.spans[place] = replace(span)
        return live
