"""A recording as a sequence diagram: time runs down, a message is a slanted arrow."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from movingparts.core.recording import Message, Recording
from movingparts.draw.excerpt import DOWN, UP, Excerpt, described, excerpt, finding
from movingparts.draw.figure import Figure
from movingparts.draw.ink import (
    LINE,
    Screen,
    cross,
    document,
    fitted,
    in_units,
    line_of_text,
    path,
    width,
)
from movingparts.draw.layout import EDGE, NARROW, Diagram, arranged, is_work, legend


def sequence(
    recording: Recording,
    *,
    title: str | None = None,
    description: str | None = None,
    limit: int = 60,
    nodes: Sequence[str] | None = None,
    kinds: Collection[str] | None = None,
) -> Figure:
    """Draw a recording as a sequence diagram.

    `title` states the finding; without it, what became of the messages is counted.
    `limit` is the most messages drawn: the first ones, and a line says how many are
    left out. `nodes` gives the lifelines and their order, `kinds` the kinds of
    message to draw ("request", "reply", "event", "ack"). Raises `ValueError` for a
    node that took no part.

    Source: chapter 01; Lamport, "Time, Clocks, and the Ordering of Events" (1978).
    """
    part = excerpt(recording, limit=limit, nodes=nodes, kinds=kinds)
    everything = excerpt(recording, nodes=nodes, kinds=kinds).messages
    title = finding(everything) if title is None else title
    description = described(part) if description is None else description
    svg, *narrow = drawings(layouts(part), title, description)
    return Figure("sequence", title, description, svg, part.table(), "".join(narrow))


def layouts(part: Excerpt) -> list[Diagram]:
    """Arrange a sequence for a desk, and for a phone if that is too wide for one."""
    wide = arranged(part)
    return [wide] if wide.size[0] <= NARROW else [wide, arranged(part, NARROW)]


def drawings(found: Sequence[Diagram], title: str, description: str) -> list[str]:
    """Write each arrangement of a sequence as an SVG document."""
    screens: tuple[Screen | None, ...] = ("wide", "narrow")
    if len(found) == 1:
        screens = (None,)
    return [
        document(layout.size, title, description, _shapes(layout), on)
        for layout, on in zip(found, screens, strict=True)
    ]


# --- what is written --------------------------------------------------------------


def _shapes(layout: Diagram) -> Iterator[str]:
    part = layout.part
    bottom = layout.bottom
    yield from _lifelines(layout, bottom)
    yield from _axis(layout, bottom)
    yield from _bars(layout, bottom)
    for message in part.messages:
        yield from arrow(message, *layout.ends(message))
    yield from _cuts(layout)
    yield from _moments(layout)
    yield from (lab.svg() for lab in layout.labels if lab.text or lab.suffix)
    y = bottom + LINE + 6
    for text in (legend(part), _left_out(part)):
        if text:
            yield line_of_text(layout.left, y, text, "quiet")
            y += LINE + 3


def _left_out(part: Excerpt) -> str:
    if not part.left_out:
        return ""
    noun = "message is" if part.left_out == 1 else "messages are"
    return f"{part.left_out:,} more {noun} not drawn."


def head_box(name: str, kind: str, x: int, y: int, room: int) -> Iterator[str]:
    """Draw a node's box centered at x: ■ a service, ▲ the broker, or a person."""
    text = fitted(name, room - 34, bold=True)
    sign = {"service": 14, "broker": 16, "person": 16}.get(kind, 0)
    wide = width(text, bold=True) + 18 + sign
    left = x - wide // 2
    round_ = 14 if kind in ("caller", "person") else 3
    where = f'x="{left}" y="{y}" width="{wide}" height="28"'
    yield f'<rect class="box" {where} rx="{round_}"/>'
    if kind == "service":
        yield f'<rect class="mark" x="{left + 8}" y="{y + 10}" width="9" height="9"/>'
    elif kind == "broker":
        points = [(left + 8, y + 19), (left + 13, y + 9), (left + 18, y + 19)]
        yield f'<path class="head event" d="{path(points)}Z"/>'
    elif kind == "person":
        yield f'<circle class="mark" cx="{left + 14}" cy="{y + 10}" r="4"/>'
        yield f'<path class="mark" d="M{left + 7} {y + 22}a7 7 0 0 1 14 0Z"/>'
    yield line_of_text(left + 9 + sign, y + 19, text, "bold")


def _lifelines(layout: Diagram, bottom: int) -> Iterator[str]:
    part = layout.part
    room = max(layout.gap * layout.rows, 60) if len(part.names) > 1 else 260
    for number, (name, x) in enumerate(layout.columns.items()):
        y = 8 + 34 * (number % layout.rows)
        edges = [y + 28, *_outages(layout, name), bottom]
        for i, (above, below) in enumerate(pairwise(edges)):
            down = " down" if i % 2 else ""
            yield f'<path class="life{down}" d="{path([(x, above), (x, below)])}"/>'
    yield '<g class="heads">'
    for number, (name, x) in enumerate(layout.columns.items()):
        y = 8 + 34 * (number % layout.rows)
        yield from head_box(name, part.kinds[name], x, y, room)
    yield "</g>"


def _outages(layout: Diagram, name: str) -> list[int]:
    """Return where a node goes down, comes up, goes down …, in pixels."""
    edges: list[int] = []
    for moment in layout.part.moments:
        if name not in moment.nodes or moment.kind not in (*DOWN, *UP):
            continue
        if moment.kind == "start" and not edges:  # it was not there before
            edges.append(layout.top)
        if (moment.kind in DOWN) == (len(edges) % 2 == 0):
            edges.append(layout.y(moment.at_us))
    return edges


def _axis(layout: Diagram, bottom: int) -> Iterator[str]:
    part = layout.part
    unit, places = part.scale()
    x = layout.left - 8
    if not layout.instants:
        return
    yield f'<path class="axis" d="{path([(x, layout.top), (x, bottom)])}"/>'
    yield line_of_text(x - 6, layout.top - 17, unit, "quiet", anchor="end")
    sent = {m.sent_us for m in part.messages} | {m.at_us for m in part.moments}
    marked: list[int] = []  # in order, so that only neighbors need a look
    for wanted in (True, False):
        for at, y in zip(layout.instants, layout.ys, strict=True):
            i = bisect_right(marked, y)
            near = any(abs(y - m) < LINE for m in marked[max(i - 1, 0) : i + 1])
            if (at in sent) == wanted and not near:
                marked.insert(i, y)
                text = in_units(at, unit, places)
                yield f'<path class="axis" d="M{x - 4} {y}H{x}"/>'
                yield line_of_text(x - 7, y + 5, text, "quiet", anchor="end")


def _bars(layout: Diagram, bottom: int) -> Iterator[str]:
    """Draw each piece of work as a bar on its lifeline, nested ones to the right."""
    busy: dict[str, list[tuple[int, int]]] = {}
    for span in layout.part.spans:
        if not is_work(span.kind) or span.node not in layout.columns:
            continue
        top = layout.y(span.start_us)
        ended = span.end_us is not None and span.end_us <= layout.instants[-1]
        low = layout.y(span.end_us) if ended and span.end_us is not None else bottom
        depth = sum(end > top for _, end in busy.setdefault(span.node, []))
        busy[span.node].append((top, low))
        x = layout.columns[span.node] - 5 + 4 * min(depth, 3)
        bad = " bad" if span.outcome == "error" else ""
        yield (
            f'<rect class="work{bad}" x="{x}" y="{top}" width="10"'
            f' height="{max(low - top, 4)}" rx="2"/>'
        )


def classes_of(message: Message) -> str:
    """Return the classes that color a message's arrow."""
    off = " off" if message.fate in ("lost", "blocked", "refused", "late") else ""
    copy = " copy" if message.copy_of is not None and not off else ""
    return f"{message.kind}{copy}{off}"


def arrow(message: Message, x0: int, y0: int, x1: int, y1: int) -> Iterator[str]:
    """Draw a message's arrow from where it was sent to where it stops."""
    kind = classes_of(message)
    if message.source == message.target:
        points = [(x0 + 5, y0), (x0 + 28, y0), (x0 + 28, max(y1, y0 + 10))]
        points.append((x0 + 8, max(y1, y0 + 10)))
        yield f'<path class="arrow {kind}" d="{path(points)}"/>'
        yield head(kind, points[-2], points[-1])
        return
    side = 5 if x1 > x0 else -5
    start, tip = (x0 + side, y0), (x1 - side, y1)
    if message.arrived_us is None:
        tip = (x1, y1)
    yield f'<path class="arrow {kind}" d="{path([start, tip])}"/>'
    if message.fate == "lost":
        yield cross(*tip)
    elif message.fate == "blocked":
        x, y = tip
        two = f"M{x - 3} {y - 11}V{y + 11}M{x + 3} {y - 11}V{y + 11}"
        yield f'<path class="wall" d="{two}"/>'
    elif message.arrived_us is None:
        yield f'<circle class="open bg" cx="{tip[0]}" cy="{tip[1]}" r="4"/>'
    else:
        yield head(kind, start, tip)
        if message.fate == "refused":
            yield cross(x1, y1)


def head(kind: str, start: tuple[int, int], tip: tuple[int, int]) -> str:
    """Draw an arrow's head at its tip, in eight directions' worth of tenths."""
    dx, dy = tip[0] - start[0], tip[1] - start[1]
    far = max(abs(dx), abs(dy), 1)
    # The length of (dx, dy), by Newton's method on integers: no float, no platform.
    square, guess = (dx * dx + dy * dy) * 100, far * 10 + 1
    for _ in range(8):
        guess = (guess + square // guess) // 2
    guess = max(guess, 1)
    bx, by = tip[0] * guess - dx * 110, tip[1] * guess - dy * 110
    points = [
        tip,
        ((bx - dy * 50) // guess, (by + dx * 50) // guess),
        ((bx + dy * 50) // guess, (by - dx * 50) // guess),
    ]
    return f'<path class="head {kind}" d="{path(points)}Z"/>'


def _cuts(layout: Diagram) -> Iterator[str]:
    """Draw where time is cut out: two ragged edges with the paper between."""
    left, right = layout.left - 16, layout.size[0] - EDGE
    for y, _, _ in layout.breaks:
        xs = list(range(left, right, 8))
        top = [(x, y - 12 + 4 * (i % 2)) for i, x in enumerate(xs)]
        low = [(x, y + 14 + 4 * (i % 2)) for i, x in enumerate(xs)]
        yield f'<path class="bg" d="{path(top + low[::-1])}Z"/>'
        yield f'<path class="rule" d="{path(top)}{path(low)}"/>'


def _moments(layout: Diagram) -> Iterator[str]:
    for moment in layout.part.moments:
        y = layout.y(moment.at_us)
        xs = [layout.columns[n] for n in moment.nodes if n in layout.columns]
        if moment.kind in ("partition", "heal") and len(xs) > 1:
            kind = "wall" if moment.kind == "partition" else "axis"
            across = range(min(xs), max(xs) + 1, 8)
            points = [(x, y + 3 * (i % 2)) for i, x in enumerate(across)]
            yield f'<path class="{kind}" d="{path(points)}"/>'
            continue
        for x in xs:
            if moment.kind == "crash":
                yield cross(x, y, 7)
            elif moment.kind == "restart":
                yield f'<circle class="box" cx="{x}" cy="{y}" r="6"/>'
            else:
                points = [(x - 6, y), (x, y - 6), (x + 6, y), (x, y + 6)]
                yield f'<path class="mark" d="{path(points)}Z"/>'
