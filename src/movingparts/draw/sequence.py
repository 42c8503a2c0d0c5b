"""A recording as a sequence diagram: time runs down, a message is a slanted arrow."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from movingparts.core.recording import Message, Recording
from movingparts.draw.excerpt import Excerpt, described, excerpt, finding, what, worded
from movingparts.draw.figure import Figure
from movingparts.draw.ink import (
    LINE,
    cross,
    document,
    duration,
    escaped,
    fitted,
    in_units,
    line_of_text,
    path,
    width,
)

WIDEST = 700
TYPICAL = 46  # pixels down for a message of typical latency
LONGEST = 110  # a stretch of time is drawn no longer than this,
BREAK = 240  # and one that would take more than this is cut out, with a mark
EDGE = 10
_GAPS = {2: 236, 3: 212, 4: 140, 5: 108}  # widest gap between so many lifelines

_FATES = {
    "lost": "✕ lost",
    "blocked": "✕ blocked",
    "refused": "✕ refused",
    "late": "✕ too late",
    "in flight": "… under way",
}


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text: its left edge, baseline and width, in pixels."""

    x: int
    y: int
    wide: int
    text: str
    suffix: str = ""
    classes: str = ""
    suffix_class: str = "alarm"

    def over(self, other: Label) -> bool:
        """Return whether two lines would touch, also in the larger type of a phone."""
        return (
            self.x < other.x + other.wide + other.wide // 12 + 4
            and other.x < self.x + self.wide + self.wide // 12 + 4
            and abs(self.y - other.y) < LINE
        )

    def svg(self) -> str:
        """Write it, on a halo of paper."""
        more = ""
        if self.suffix:
            lead = " " if self.text else ""
            more = f'{lead}<tspan class="{self.suffix_class}">{self.suffix}</tspan>'
        kind = f"halo {self.classes}".strip()
        text = escaped(self.text)
        return f'<text class="{kind}" x="{self.x}" y="{self.y}">{text}{more}</text>'


@dataclass(slots=True)
class Spot:
    """A label that looks for a place: offsets from its instant, best first."""

    options: list[tuple[int, int]]  # left edge, baseline relative to the instant's y
    label: Label
    later: tuple[int, list[tuple[int, int]]] | None = None  # another instant to try


@dataclass(slots=True)
class Diagram:
    """Where everything stands: what the SVG is written from, and the player plays."""

    part: Excerpt
    size: tuple[int, int] = (0, 0)
    left: int = 0
    top: int = 0
    gap: int = 0
    bottom: int = 0
    rows: int = 1
    columns: dict[str, int] = field(default_factory=dict)
    instants: list[int] = field(default_factory=list)
    ys: list[int] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    breaks: list[tuple[int, int, str]] = field(default_factory=list)  # y, us, text

    def y(self, at_us: int) -> int:
        """Return where a time stands, in pixels."""
        if not self.instants:
            return self.top
        i = bisect_right(self.instants, at_us) - 1
        if i < 0:
            return self.ys[0]
        if i == len(self.instants) - 1:
            return self.ys[-1]
        t0, t1 = self.instants[i : i + 2]
        y0, y1 = self.ys[i : i + 2]
        return y0 + ((at_us - t0) * (y1 - y0) * 2 + (t1 - t0)) // (2 * (t1 - t0))

    def ends(self, message: Message) -> tuple[int, int, int, int]:
        """Return an arrow's two ends: x, y where sent; x, y where it stops."""
        x0, x1 = self.columns[message.source], self.columns[message.target]
        if message.arrived_us is None:
            x1 = (x0 + x1) // 2
        return x0, self.y(message.sent_us), x1, self.y(self.part.ends(message))


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
    svg = document_of(arranged(part), title, description)
    return Figure("sequence", title, description, svg, part.table())


def document_of(layout: Diagram, title: str, description: str) -> str:
    """Write an arranged sequence as an SVG document."""
    return document(layout.size, title, description, _shapes(layout))


# --- where things stand -----------------------------------------------------------


def arranged(part: Excerpt) -> Diagram:
    """Give every node its column, every instant its height, every label its place."""
    layout = Diagram(part)
    _columns(layout)
    _instants(layout)
    lowest = max([layout.top, *layout.ys, *(label.y - 10 for label in layout.labels)])
    layout.bottom = lowest + 14
    lines = (1 if part.left_out else 0) + (1 if _legend(part) else 0)
    layout.size = (layout.size[0], layout.bottom + lines * (LINE + 3) + 16)
    return layout


def _columns(layout: Diagram) -> None:
    part = layout.part
    unit, places = part.scale()
    layout.left = max(width(in_units(part.until_us, unit, places)), width(unit)) + 22
    count = len(part.names)
    widest = max((width(n, bold=True) + 34 for n in part.names), default=0)
    room = WIDEST - layout.left - EDGE
    wanted = 150 if count <= 3 else 110
    order = {name: i for i, name in enumerate(part.names)}
    for message in part.messages:
        span = abs(order[message.source] - order[message.target]) or 1
        need = width(" ".join(_words(message))) + 34
        wanted = max(wanted, -(-need // span))
    wanted = max(min(wanted, _GAPS.get(count, 86)), min(widest + 12, 86))
    side = min(widest, 150) // 2 + 4
    most = (room - 2 * side) // max(count - 1, 1)
    layout.gap = min(wanted, most)
    layout.rows = min(max(-(-widest // max(layout.gap, 1)), 1), 4) if count > 1 else 1
    across = layout.gap * (count - 1)
    layout.size = (max(layout.left + across + 2 * side + EDGE, 340), 0)
    first = (layout.left + layout.size[0] - EDGE - across) // 2
    layout.columns = {name: first + i * layout.gap for i, name in enumerate(part.names)}
    layout.top = 36 + 34 * layout.rows


def _words(message: Message) -> tuple[str, ...]:
    text = fitted(_short(what(message), message.kind), 240)
    suffix = _FATES.get(message.fate, "")
    if message.kind == "reply" and message.status is not None:
        text = str(message.status)  # what it answers is on the request's arrow
        if message.status >= 400 and not suffix:
            text, suffix = "", f"✕ {text}"
    elif message.kind == "ack":
        text = "ack"
    sign = "▲ " if message.kind == "event" else ""
    if message.copy_of is not None:
        suffix = f"↻ copy {suffix}".rstrip()
    return (sign + text, suffix) if suffix else (sign + text,)


def _short(label: str, kind: str) -> str:
    """Return an event's name without the domain that it is qualified by.

    CloudEvents asks for a reversed domain before a type; the table has all of it.
    """
    if kind == "event":
        return ".".join(label.split(".")[-2:])
    return label


def _instants(layout: Diagram) -> None:
    """Walk through the instants, each as far below the last as time and text ask."""
    part = layout.part
    spots, tips = _spots(layout), _tips(layout)
    times = {0} if not part.messages and not part.moments else set(spots)
    times.update(part.ends(m) for m in part.messages)
    times.update(s.start_us for s in part.spans if _is_work(s.kind))
    times.update(s.end_us for s in part.spans if _is_work(s.kind) and s.end_us)
    end = part.until_us
    layout.instants = sorted(t for t in times if t <= end or t in spots)
    y = layout.top
    before: int | None = None
    slow = 2 * part.typical_us
    for at in layout.instants:
        gap = None
        if before is not None:
            dy = (2 * TYPICAL * (at - before) + part.typical_us) // slow
            if dy > BREAK:
                dy, gap = 64, at - before
            y += max(min(dy, LONGEST), 1)
        y = _placed(layout, at, y, spots, tips, gap)
        layout.ys.append(y)
        before = at


def _is_work(kind: str) -> bool:
    return kind in ("server", "consumer", "internal")


def _placed(
    layout: Diagram,
    at: int,
    y: int,
    spots: dict[int, list[Spot]],
    tips: dict[int, list[int]],
    gap: int | None,
) -> int:
    """Lower an instant until its labels touch no earlier ones; return its y."""
    earlier = layout.labels[-80:]
    while True:
        heads = [Label(x, y - 2, 18, "") for x in tips.get(at, ())]
        here, later = _chosen(layout, at, y, spots, gap, heads)
        drop = max(
            (e.y + LINE - h.y for h in here for e in earlier if h.over(e)), default=0
        )
        if not drop:
            break
        y += drop
    for instant, spot in later:
        spots.setdefault(instant, []).append(spot)
    if gap is not None:
        layout.breaks.append((y - 43, gap, here[0].text))
    layout.labels.extend(here + heads)
    return y


def _chosen(
    layout: Diagram,
    at: int,
    y: int,
    spots: dict[int, list[Spot]],
    gap: int | None,
    heads: Sequence[Label],
) -> tuple[list[Label], list[tuple[int, Spot]]]:
    """Choose a place for each label of an instant at y."""
    here: list[Label] = []
    later: list[tuple[int, Spot]] = []
    if gap is not None:
        text = f"{duration(gap)} later"
        middle = (layout.left + layout.size[0]) // 2
        wide = width(text)
        here.append(Label(middle - wide // 2, y - 38, wide, text, classes="quiet"))
    for spot in spots.get(at, ()):
        label = _free(spot, y, [*here, *heads])
        if label is None and spot.later is not None and spot.later[0] > at:
            instant, options = spot.later
            later.append((instant, Spot(options, spot.label)))
            continue
        down = LINE
        while label is None:
            label = _free(spot, y + down, [*here, *heads])
            down += LINE
        here.append(label)
    return here, later


def _free(spot: Spot, y: int, taken: Sequence[Label]) -> Label | None:
    old = spot.label
    for x, dy in spot.options:
        label = Label(
            x, y + dy, old.wide, old.text, old.suffix, old.classes, old.suffix_class
        )
        if not any(label.over(other) for other in taken):
            return label
    return None


def _spots(layout: Diagram) -> dict[int, list[Spot]]:
    """Return the labels that look for a place, by their instant."""
    part = layout.part
    spots: dict[int, list[Spot]] = {}
    for moment in part.moments:
        names = [name for name in moment.nodes if name in layout.columns]
        spot = _aside(layout, names, worded(moment))
        spots.setdefault(moment.at_us, []).append(spot)
    for span in part.spans:
        gave_up = span.kind == "client" and span.outcome == "error"
        if gave_up and span.end_us is not None and span.status is None and span.note:
            spot = _aside(layout, [span.node], f"✕ {span.note}", "alarm")
            spots.setdefault(span.end_us, []).append(spot)
    alike: dict[tuple[object, ...], int] = {}
    for message in part.messages:
        key = _alike(message)
        alike[key] = alike.get(key, 0) + 1
    for message in part.messages:
        count = alike.pop(_alike(message), 0)
        here = spots.setdefault(message.sent_us, [])
        if count:
            times = f" \u00d7{count}" if count > 1 else ""
            here.append(_beside(layout, message, times))
        spots.setdefault(part.ends(message), [])
    return spots


def _alike(message: Message) -> tuple[object, ...]:
    """Return what messages share that leave together and are labeled once."""
    alone = message.fate != "delivered" or message.copy_of is not None
    own = message.id if alone else None
    return (message.sent_us, message.source, message.kind, what(message), own)


def _tips(layout: Diagram) -> dict[int, list[int]]:
    """Return the left edges of arrow heads, which labels should not cover."""
    tips: dict[int, list[int]] = {}
    for message in layout.part.messages:
        x0, x1 = layout.columns[message.source], layout.columns[message.target]
        x = x1 - 22 if x1 > x0 else x1 + 4
        if message.arrived_us is None:
            x = (x0 + x1) // 2 - 9
        tips.setdefault(layout.part.ends(message), []).append(x)
    return tips


def _aside(
    layout: Diagram, names: Sequence[str], text: str, classes: str = "bold"
) -> Spot:
    """Return the place for words on a lifeline: beside it, on the roomier side."""
    xs = [layout.columns[name] for name in names] or [layout.left]
    right_edge = layout.size[0] - EDGE
    text = fitted(text, right_edge - layout.left - 30, bold=True)
    wide = width(text, bold=True)
    right, left = max(xs) + 14, min(xs) - 14 - wide
    dy = -6 if classes == "alarm" else 5  # a caller that gives up may call again
    options = [(right, dy)] if right + wide <= right_edge else []
    options += [(left, dy)] if left >= layout.left else []
    inside = max(layout.left + 4, min(right, right_edge - wide))
    return Spot(options or [(inside, -12)], Label(0, 0, wide, text, classes=classes))


def _beside(layout: Diagram, message: Message, times: str = "") -> Spot:
    """Return the places for a message's label: where it leaves, where it arrives."""
    text, *rest = _words(message)
    text, suffix = text + times, rest[0] if rest else ""
    room = layout.size[0] - EDGE - layout.left - 8
    text = fitted(text, room - width(suffix) - 8 if suffix else room)
    wide = width(f"{text} {suffix}" if suffix else text)
    x0, x1 = layout.columns[message.source], layout.columns[message.target]
    right_edge = layout.size[0] - EDGE
    away = x1 > x0 or (x1 == x0 and x0 + 34 + wide <= right_edge)
    start = x0 + 12 if away else x0 - 12 - wide
    end = x1 - 14 - wide if x1 > x0 else x1 + 14
    if x1 == x0:
        start = x0 + 34 if away else x0 - 14 - wide
        end = start

    def inside(x: int) -> int:
        return max(layout.left + 4, min(x, right_edge - wide))

    color = "quiet" if message.fate == "in flight" else "alarm"
    color = color if message.copy_of is None else "again"
    label = Label(0, 0, wide, text, suffix, suffix_class=color)
    places = [(inside(end), 17), (inside(start), 17)]
    if message.arrived_us is None:  # beyond the mark where it stops
        middle = (x0 + x1) // 2
        beyond = middle + 24 if x1 > x0 else middle - 24 - wide
        over = any(beyond - 8 < x < beyond + wide + 8 for x in layout.columns.values())
        places = places if over else [(inside(beyond), 5), *places]
    arrival = (layout.part.ends(message), places)
    return Spot([(inside(start), -6)], label, arrival)


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
    for text in (_legend(part), _left_out(part)):
        if text:
            yield line_of_text(layout.left, y, text, "quiet")
            y += LINE + 3


def _left_out(part: Excerpt) -> str:
    if not part.left_out:
        return ""
    noun = "message is" if part.left_out == 1 else "messages are"
    return f"{part.left_out:,} more {noun} not drawn."


def _legend(part: Excerpt) -> str:
    kinds = {m.kind for m in part.messages}
    if "event" not in kinds:
        return ""
    return (
        "Solid: a call and its reply. Dashed ▲: an event."
        if (kinds & {"request", "reply"})
        else "Dashed ▲: an event."
    )


def head_box(name: str, kind: str, x: int, y: int, room: int) -> Iterator[str]:
    """Draw a node's box centered at x: ■ a service, rounded a caller, ▲ the broker."""
    text = fitted(name, room - 34, bold=True)
    sign = {"service": 14, "broker": 16}.get(kind, 0)
    wide = width(text, bold=True) + 18 + sign
    left = x - wide // 2
    round_ = 14 if kind == "caller" else 3
    where = f'x="{left}" y="{y}" width="{wide}" height="28"'
    yield f'<rect class="box" {where} rx="{round_}"/>'
    if kind == "service":
        yield f'<rect class="mark" x="{left + 8}" y="{y + 10}" width="9" height="9"/>'
    elif kind == "broker":
        points = [(left + 8, y + 19), (left + 13, y + 9), (left + 18, y + 19)]
        yield f'<path class="head event" d="{path(points)}Z"/>'
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
        if name not in moment.nodes or moment.kind not in ("crash", "restart"):
            continue
        if (moment.kind == "crash") == (len(edges) % 2 == 0):
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
        if not _is_work(span.kind) or span.node not in layout.columns:
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
