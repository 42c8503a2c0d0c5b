"""What a figure shows of a recording: the first messages, their table, the finding."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from movingparts.core.recording import Message, Moment, Recording, Span
from movingparts.draw.figure import TextTable
from movingparts.draw.ink import duration, in_units, printable, units

_TYPICAL_US = 1_000
# Kinds of moments after which a node is down, or up (again).
DOWN, UP = ("crash", "end"), ("restart", "start")


@dataclass(frozen=True, slots=True)
class Happening:
    """One row of the table: a message or a moment, and when it ends."""

    at_us: int
    end_us: int
    message: Message | None
    moment: Moment | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a recording that is drawn, up to `until_us` (microseconds)."""

    names: tuple[str, ...]
    kinds: dict[str, str]
    messages: tuple[Message, ...]
    spans: tuple[Span, ...]
    moments: tuple[Moment, ...]
    left_out: int
    until_us: int
    typical_us: int

    def ends(self, message: Message) -> int:
        """Return when a message's arrow ends, in microseconds.

        One that never arrives is drawn for half a typical latency.
        """
        if message.arrived_us is not None:
            return message.arrived_us
        return message.sent_us + self.typical_us // 2

    def happenings(self) -> list[Happening]:
        """Return messages and moments in order of time, as the table lists them."""
        rows = [
            ((m.sent_us, 1, m.id), Happening(m.sent_us, self.ends(m), m, None))
            for m in self.messages
        ]
        rows += [
            ((m.at_us, 0, number), Happening(m.at_us, m.at_us, None, m))
            for number, m in enumerate(self.moments)
        ]
        return [row for _, row in sorted(rows, key=lambda row: row[0])]

    def scale(self) -> tuple[str, int]:
        """Return the axis's unit, and the decimals that distinguish its times."""
        unit = units(self.until_us)
        sent = {m.sent_us for m in self.messages} | {m.at_us for m in self.moments}
        sent |= {self.ends(m) for m in self.messages}
        most = {"µs": 0, "ms": 2, "s": 3, "h": 2}[unit]
        for places in range(most):
            if len({in_units(at, unit, places) for at in sent}) == len(sent):
                return unit, places
        return unit, most

    def table(self) -> TextTable:
        """Return the table of what happened."""
        places = {"µs": 0, "h": 2}.get(unit := units(self.until_us), 3)
        unit = "ms" if unit == "s" else unit
        rows = tuple(_row(h, unit, places) for h in self.happenings())
        times = (f"sent ({unit})", f"arrived ({unit})")
        columns = (*times, "from", "to", "what", "became")
        return TextTable("What happened, as a table", columns, rows, self.left_out)


def excerpt(
    recording: Recording,
    *,
    limit: int | None = None,
    nodes: Sequence[str] | None = None,
    kinds: Collection[str] | None = None,
) -> Excerpt:
    """Choose what is drawn: the first `limit` messages among `nodes`, of `kinds`.

    Raises `ValueError` for a node that took no part, a kind that there is not, and a
    limit below one.
    """
    nodes = [nodes] if isinstance(nodes, str) else nodes
    known = _known(recording)
    _refuse_bad(known, limit, nodes, kinds)
    wanted = set(known if nodes is None else nodes)
    drawn = [
        message
        for message in sorted(recording.messages, key=lambda m: (m.sent_us, m.id))
        if {message.source, message.target} <= wanted
        and (kinds is None or message.kind in kinds)
    ]
    shown, rest = drawn[:limit], [] if limit is None else drawn[limit:]
    until = rest[0].sent_us if rest else recording.duration_us
    until = max([until, *(m.arrived_us or m.sent_us for m in shown)])
    end = rest[0].sent_us if rest else until
    spans = [s for s in recording.spans if s.start_us <= end and s.node in wanted]
    if kinds is not None and "event" not in kinds:
        spans = [s for s in spans if s.kind != "consumer"]  # of events not drawn
    moments = [m for m in recording.moments if m.at_us <= end]
    moments = [m for m in moments if not m.nodes or wanted & set(m.nodes)]
    order = tuple(nodes) if nodes is not None else _order(known, shown, spans, moments)
    return Excerpt(
        order,
        {name: known[name] for name in order},
        tuple(shown),
        tuple(spans),
        tuple(moments),
        len(rest),
        until,
        _typical(shown),
    )


def _known(recording: Recording) -> dict[str, str]:
    """Return every node's kind; one that only messages name serves if it is asked.

    Who calls and never serves is a person, unless its name is that of a thing.
    """
    known = {member.name: str(member.kind) for member in recording.nodes}
    for message in recording.messages:
        known.setdefault(message.target, "service")
    for message in recording.messages:
        known.setdefault(message.source, "caller")
    things = {"dock", "docks", "app", "phone", "phones", "client", "page", "city"}
    things |= {"truck"}
    things |= {"rides"}  # as the caller alone, where a scene needs no more of it
    return {
        name: "person" if kind == "caller" and name not in things else kind
        for name, kind in known.items()
    }


def _refuse_bad(
    known: dict[str, str],
    limit: int | None,
    nodes: Sequence[str] | None,
    kinds: Collection[str] | None,
) -> None:
    unknown = [name for name in nodes or () if name not in known]
    if unknown:
        raise ValueError(f"no node {unknown[0]!r}; there are: {', '.join(known)}")
    odd = [kinds] if isinstance(kinds, str) else list(kinds or ())
    odd = [kind for kind in odd if kind not in _NOUNS]
    if odd:
        raise ValueError(f"no kind {odd[0]!r}; there are: {', '.join(_NOUNS)}")
    if limit is not None and limit < 1:
        raise ValueError(f"a figure shows at least one message, got limit={limit}")


def _order(
    known: dict[str, str],
    messages: Sequence[Message],
    spans: Sequence[Span],
    moments: Sequence[Moment],
) -> tuple[str, ...]:
    """Order nodes by when they first speak or are spoken to."""
    seen: dict[str, None] = {}
    for message in messages:
        seen.setdefault(message.source)
        seen.setdefault(message.target)
    for span in spans:
        seen.setdefault(span.node)
    for moment in moments:
        seen.update((name, None) for name in moment.nodes if name in known)
    return tuple(name for name in seen if name in known) or tuple(known)


def _typical(messages: Sequence[Message]) -> int:
    """Return a latency that three of four messages keep within, in microseconds."""
    took = sorted(
        m.arrived_us - m.sent_us
        for m in messages
        if m.arrived_us is not None and m.arrived_us > m.sent_us
    )
    return took[3 * len(took) // 4] if took else _TYPICAL_US


def what(message: Message) -> str:
    """Return a message's label, with a status that the label does not say."""
    label = printable(message.label) or message.kind
    if message.status is not None and str(message.status) not in label:
        label = f"{label} {message.status}"
    return label


def worded(moment: Moment) -> str:
    """Return what a moment says, with its kind where the text leaves it out."""
    text, kind = printable(moment.text), printable(moment.kind)
    if not text or kind in ("note", "heal", "partition"):
        return text or kind
    return text if kind.lower() in text.lower() else f"{kind}: {text}"


def _row(happening: Happening, unit: str, places: int) -> tuple[str, ...]:
    at = in_units(happening.at_us, unit, places)
    message, moment = happening.message, happening.moment
    if moment is not None:
        names = ", ".join(moment.nodes)
        return (at, "", printable(names), "", printable(moment.kind), worded(moment))
    if message is None:
        raise ValueError("a happening is a message or a moment")
    arrived = ""
    if message.arrived_us is not None:
        arrived = in_units(message.arrived_us, unit, places)
    kind = "" if message.label.startswith(message.kind) else f"{message.kind} "
    became = "copy, " * (message.copy_of is not None) + message.fate
    note = f" ({printable(message.note)})" if message.note else ""
    source, target = printable(message.source), printable(message.target)
    return (at, arrived, source, target, kind + what(message), became + note)


_NOUNS = {"request": "requests", "reply": "replies", "event": "events", "ack": "acks"}
_MISSED = {
    "lost": "never arrived",
    "blocked": "never arrived",
    "refused": "refused",
    "late": "came too late",
    "in flight": "still under way",
}


_ONE = "The one message arrived"


def finding(messages: Sequence[Message]) -> str:
    """State what became of messages, in a sentence without its full stop."""
    if not messages:
        return "No messages were sent"
    parts: list[str] = []
    for kind, noun in _NOUNS.items():
        of_kind = [m for m in messages if m.kind == kind]
        for verb in dict.fromkeys(_MISSED.values()):
            count = sum(_MISSED.get(m.fate) == verb for m in of_kind)
            if count:
                parts.append(_missed(count, len(of_kind), kind, noun, verb))
    copies = sum(m.copy_of is not None for m in messages)
    if copies:
        parts.append(f"{copies} arrived twice" if parts else _twice(copies))
    if not parts:
        many = len(messages) > 1
        return f"All {len(messages):,} messages arrived" if many else _ONE
    return " and ".join(parts[:2])


def _missed(count: int, of: int, kind: str, noun: str, verb: str) -> str:
    be = {"refused": ("was ", "were "), "still under way": ("is ", "are ")}
    one, many = be.get(verb, ("", ""))
    verb = (one if count == 1 else many) + verb
    return f"The one {kind} {verb}" if of == 1 else f"{count} of {of} {noun} {verb}"


def _twice(copies: int) -> str:
    return f"{copies} message{'' if copies == 1 else 's'} arrived twice"


def described(part: Excerpt) -> str:
    """Describe an excerpt in two sentences, for a figure's description."""
    names = ", ".join(printable(name) for name in part.names) or "nobody"
    count = len(part.messages)
    noun = "message" if count == 1 else "messages"
    text = f"{count:,} {noun} among {names} in {duration(part.until_us)}."
    if part.left_out:
        text += f" {part.left_out:,} later ones are left out."
    return text
