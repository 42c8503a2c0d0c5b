"""A recording as a map: who spoke with whom, how often, and what got lost."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from movingparts.core.recording import Message, Recording
from movingparts.draw.crossings import Point, Rect, goes_through, untangled
from movingparts.draw.excerpt import Excerpt, described, excerpt, finding
from movingparts.draw.figure import Figure, TextTable
from movingparts.draw.ink import (
    LINE,
    document,
    escaped,
    fitted,
    line_of_text,
    path,
    printable,
    width,
)
from movingparts.draw.sequence import head

WIDEST = 700
HIGH = 54  # pixels: a node's box
STEP = 164  # from one row of boxes to the next
Line = tuple[Point, Point]
_PLURAL = {"request": "requests", "reply": "replies", "event": "events", "ack": "acks"}


@dataclass(frozen=True, slots=True)
class Box:
    """A node's box: its center, width and what is written in it."""

    x: int
    y: int
    wide: int
    name: str
    kind: str

    def edge(self, toward: Box, aside: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """Return where a straight line leaves the box that starts beside its center."""
        dx, dy = toward.x - self.x, toward.y - self.y
        x, y = self.x + aside[0], self.y + aside[1]
        if not dx and not dy:
            return x, y
        across = self.wide // 2 + 3 - (aside[0] if dx > 0 else -aside[0])
        down = HIGH // 2 + 3 - (aside[1] if dy > 0 else -aside[1])
        if abs(dx) * down <= abs(dy) * across:
            return x + dx * down // abs(dy), y + (down if dy > 0 else -down)
        return x + (across if dx > 0 else -across), y + dy * across // abs(dx)


@dataclass(slots=True)
class Link:
    """All messages from one node to another, and the two ends of their line."""

    source: str
    target: str
    counts: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    ends: tuple[int, int, int, int] = (0, 0, 0, 0)

    def add(self, message: Message) -> None:
        """Count a message, and what became of it if it did not arrive in time."""
        self.counts[message.kind] = self.counts.get(message.kind, 0) + 1
        if message.fate != "delivered":
            self.missing[message.fate] = self.missing.get(message.fate, 0) + 1

    def texts(self) -> tuple[str, str]:
        """Return what the link's label says: what was sent, how many failed."""
        sent = ", ".join(
            f"{count:,} {kind if count == 1 else _PLURAL[kind]}"
            for kind, count in self.counts.items()
        )
        gone = sum(self.missing.values())
        return sent, f"✕ {gone:,}" if gone else ""


@dataclass(slots=True)
class Map:
    """Where boxes, links and their labels stand."""

    part: Excerpt
    size: tuple[int, int] = (0, 0)
    boxes: dict[str, Box] = field(default_factory=dict)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    labels: list[tuple[int, int, int, list[tuple[str, str]]]] = field(
        default_factory=list
    )


def topology(
    recording: Recording,
    *,
    title: str | None = None,
    description: str | None = None,
    nodes: Sequence[str] | None = None,
    kinds: Collection[str] | None = None,
) -> Figure:
    """Draw who spoke with whom, with counts of what was sent and what went missing.

    `title` states the finding; without it, what became of the messages is counted.
    `nodes` and `kinds` choose what counts (never acks). Callers are at the top,
    whom they call below them, the broker in the middle. Raises `ValueError` for a
    node that took no part.
    """
    part = excerpt(recording, nodes=nodes, kinds=kinds)
    title = finding(part.messages) if title is None else title
    description = described(part) if description is None else description
    layout = mapped(part)
    svg = document(layout.size, title, description, _shapes(layout))
    return Figure("topology", title, description, svg, _table(layout))


def mapped(part: Excerpt) -> Map:
    """Give every node a box, every link a line and every label a free place."""
    layout = Map(part)
    for message in part.messages:
        if message.kind == "ack":
            continue  # they'd double every line and say nothing that the rest does not
        key = (message.source, message.target)
        layout.links.setdefault(key, Link(*key)).add(message)
    _boxes(layout)
    _lines(layout)
    _labels(layout)
    return layout


def shapes_of(layout: Map, title: str, description: str) -> str:
    """Write a map as an SVG document."""
    return document(layout.size, title, description, _shapes(layout))


# --- where things stand -----------------------------------------------------------


def _ranks(part: Excerpt) -> dict[str, int]:
    """Put each node one row below the first that calls it or publishes to it."""
    calls: dict[str, dict[str, None]] = {name: {} for name in part.names}
    for message in part.messages:
        if message.kind in ("request", "event") and message.source != message.target:
            calls[message.source].setdefault(message.target)
    called = {target for targets in calls.values() for target in targets}
    callers = ("caller", "person")
    roots = [n for n in part.names if part.kinds[n] in callers and calls[n]]
    roots += [n for n in part.names if n not in called and n not in roots]
    ranks: dict[str, int] = {}
    for start in [*roots, *part.names]:
        if start in ranks:
            continue
        ranks[start] = 0
        queue = [start]
        for name in queue:
            for target in calls[name]:
                if target not in ranks:
                    ranks[target] = ranks[name] + 1
                    queue.append(target)
    return ranks


def _rows(part: Excerpt) -> list[tuple[list[str], int]]:
    """Return the rows of boxes from the top: names, and how many have room there."""
    ranks = _ranks(part)
    rows: list[tuple[list[str], int]] = []
    for rank in sorted(set(ranks.values())):
        row = [name for name in part.names if ranks[name] == rank]
        grid = min(len(row), 3 if len(row) <= 6 else 4)
        full = False
        while row:
            # Every second row of a rank has one box less, so that its boxes stand
            # between those above, and links to them pass there.
            size = grid - (full and grid > 2)
            rows.append((row[:size], grid))
            full = not full and grid <= len(row)
            row = row[size:]
    return rows


def _hub(layout: Map) -> str | None:
    """Return the node that every link touches, in a star of 5 to 12 rays."""
    pairs = [{source, target} for source, target in layout.links]
    hubs = [name for name in layout.part.names if all(name in pair for pair in pairs)]
    star = bool(pairs and hubs) and 5 < len(layout.part.names) <= 13
    return hubs[0] if star else None


def _around(layout: Map, hub: str) -> None:
    """Put the hub in the middle and the others around it, clockwise from the top."""
    part = layout.part
    others = [name for name in part.names if name != hub]
    wanted = max(width(name, bold=True) + 22 for name in part.names)
    wide = max(96, min(wanted, 130))
    far_x, far_y = (WIDEST - 20 - wide) // 2, 130 + 16 * len(others)
    x, y = 10 + far_x + wide // 2, 20 + far_y + HIGH // 2
    layout.boxes[hub] = Box(x, y, wide, hub, part.kinds[hub])
    for i, name in enumerate(others):
        turn = 2 * math.pi * (i + 0.5) / len(others)
        # Rounded twice, because the last bit of a sine differs between platforms.
        dx, dy = round(far_x * math.sin(turn), 3), round(far_y * math.cos(turn), 3)
        layout.boxes[name] = Box(
            x + round(dx), y - round(dy), wide, name, part.kinds[name]
        )
    layout.size = (WIDEST, 2 * y)


def _boxes(layout: Map) -> None:
    part = layout.part
    hub = _hub(layout)
    if hub is not None:
        _around(layout, hub)
        return
    rows = _rows(part)
    most = max((grid for _, grid in rows), default=1)
    wanted = max((width(n, bold=True) + 34 for n in part.names), default=100)
    wide = max(110, min(wanted, (WIDEST - 40) // most - 44))
    across = min(max(most * (wide + 66), 320), WIDEST - 20)
    at = {name: number for number, (row, _) in enumerate(rows) for name in row}
    spans = [sorted((at[source], at[target])) for source, target in layout.links]
    for number, (row, grid) in enumerate(rows):
        slot = across // grid
        first = 10 + (across - slot * len(row)) // 2 + slot // 2
        passing = any(above < number < below for above, below in spans)
        if len(row) == 1 and passing:
            first += (-1) ** number * across // 5  # makes way for links that skip it
        y = 20 + HIGH // 2 + number * STEP
        for i, name in enumerate(row):
            x = first + i * slot
            layout.boxes[name] = Box(x, y, wide, name, part.kinds[name])
    _apart(layout, (10 + wide // 2, 10 + across - wide // 2), across // most)
    layout.size = (across + 20, 40 + HIGH + max(len(rows) - 1, 0) * STEP)


def _apart(layout: Map, room: tuple[int, int], step: int) -> None:
    """Give boxes places where fewer lines go through boxes and each other."""
    pairs = {tuple(sorted(key)): None for key in layout.links if key[0] != key[1]}
    boxes = layout.boxes.values()
    places = untangled(
        {box.name: (box.x, box.y) for box in boxes},
        [(one, other) for one, other in pairs],
        (max((box.wide for box in boxes), default=0), HIGH),
        room=room,
        step=step,
    )
    for name, (x, y) in places.items():
        layout.boxes[name] = replace(layout.boxes[name], x=x, y=y)


def _lines(layout: Map) -> None:
    for (source, target), link in layout.links.items():
        one, other = layout.boxes[source], layout.boxes[target]
        if source == target:
            x, y = one.x + one.wide // 2, one.y
            link.ends = (x, y - 14, x, y + 14)
            continue
        aside = (0, 0)
        if (target, source) in layout.links:
            # Two ways: two lines, each a little to its own right.
            dx, dy = other.x - one.x, other.y - one.y
            far = max(abs(dx), abs(dy), 1)
            aside = (-dy * 7 // far, dx * 7 // far)
        link.ends = (*one.edge(other, aside), *other.edge(one, aside))


def _labels(layout: Map) -> None:
    """Put one label on each pair of nodes, and make the map as high as they need."""
    taken = [(b.x - b.wide // 2 - 4, b.y - HIGH // 2 - 4, b.wide + 8, HIGH + 8)
             for b in layout.boxes.values()]  # fmt: skip
    for link in layout.links.values():
        x0, y0, x1, y1 = link.ends
        taken += [(x0 - 9, y0 - 9, 18, 18), (x1 - 9, y1 - 9, 18, 18)]
    done: set[frozenset[str]] = set()
    for (source, target), link in layout.links.items():
        pair = frozenset((source, target))
        if pair in done:
            continue
        done.add(pair)
        back = layout.links.get((target, source)) if source != target else None
        lines = _label_lines(layout, link, back)
        strange = [
            (other.ends[:2], other.ends[2:])
            for other in layout.links.values()
            if other not in (link, back)
        ]
        x, y, wide, high = _place(layout, link, lines, taken, strange)
        taken.append(_on_a_phone((x, y, wide, high)))
        layout.labels.append((x, y, wide, lines))
    lowest = max((y + h for _, y, _, h in taken), default=0)
    layout.size = (layout.size[0], max(layout.size[1], lowest + 6))


def _place(
    layout: Map,
    link: Link,
    lines: Sequence[tuple[str, str]],
    taken: Sequence[Rect],
    strange: Sequence[Line],
) -> Rect:
    """Return the place of a label that covers least of others' boxes and lines."""
    wide = max(width(f"{text} {gone}") for text, gone in lines) + 8
    high = LINE * len(lines) + 4
    places = [(x, y, wide, high) for x, y in _places(layout, link, wide, high)]
    return min(places, key=lambda p: _covered(_on_a_phone(p), taken, strange))


def _places(layout: Map, link: Link, wide: int, high: int) -> list[tuple[int, int]]:
    """Return where a label may stand, the best first: in the middle of its line."""
    x0, y0, x1, y1 = link.ends
    dx, dy = x1 - x0, y1 - y0
    places = [
        (x0 + dx * at // 20 - wide // 2 + aside, y0 + dy * at // 20 - high // 2)
        for aside in (0, -wide // 4, wide // 4, -wide // 2, wide // 2)
        for at in (10, 9, 11, 8, 12, 7, 13, 6, 14, 5, 15, 4, 16)
    ]
    y = layout.boxes[link.source].y
    if y == layout.boxes[link.target].y:
        # Between two boxes side by side there is little room: below, or above.
        x, away = x0 + dx // 2 - wide // 2, HIGH // 2 + 5
        places += [
            (x + aside, beside)
            for aside in (0, -wide // 4, wide // 4, -wide // 2, wide // 2)
            for beside in (y + away, y - away - high)
        ]
    return [(max(4, min(x, layout.size[0] - 4 - wide)), y) for x, y in places if y >= 4]


def _label_lines(layout: Map, link: Link, back: Link | None) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    one, other = layout.boxes[link.source], layout.boxes[link.target]
    for way in (link, back):
        if way is None:
            continue
        forth = (other.y, other.x) >= (one.y, one.x)
        flat = one.y == other.y
        signs = ("←", "→") if flat else ("↑", "↓")
        sign = signs[(way is link) == forth]
        sent, gone = way.texts()
        lines.append((f"{sign} {sent}", gone))
    return lines


def _on_a_phone(label: Rect) -> Rect:
    """Return a label as wide as it is in the larger type of a phone."""
    x, y, wide, high = label
    return x - wide // 10, y, wide + wide // 5, high


def _covered(label: Rect, taken: Sequence[Rect], lines: Sequence[Line]) -> int:
    """Return what a label covers of what is not its own: pixels, and whole lines."""
    over = sum(_shared(label, other) for other in taken)
    return 10 * over + 400 * sum(goes_through(*line, label) for line in lines)


def _shared(one: Rect, other: Rect) -> int:
    """Return the area that two boxes (x, y, width, height) share."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0)


# --- what is written --------------------------------------------------------------


def _shapes(layout: Map) -> Iterator[str]:
    for link in layout.links.values():
        yield from _line(link)
    for box in layout.boxes.values():
        yield from _box(box)
    for x, y, wide, lines in layout.labels:
        high = LINE * len(lines) + 4
        where = f'x="{x}" y="{y}" width="{wide}" height="{high}"'
        yield f'<rect class="bg" {where} rx="4"/>'
    for x, y, wide, lines in layout.labels:  # after all papers, which cover no words
        for i, (text, gone) in enumerate(lines):
            more = f' <tspan class="alarm">{gone}</tspan>' if gone else ""
            yield (
                f'<text x="{x + wide // 2}" y="{y + 15 + LINE * i}"'
                f' text-anchor="middle">{escaped(text)}{more}</text>'
            )


def _line(link: Link) -> Iterator[str]:
    x0, y0, x1, y1 = link.ends
    kind = next(iter(link.counts))
    if link.source == link.target:
        yield f'<path class="arrow {kind}" d="M{x0} {y0}h22v28h-20"/>'
        yield head(kind, (x1 + 22, y1), (x1 + 2, y1))
        return
    yield f'<path class="arrow {kind}" d="{path([(x0, y0), (x1, y1)])}"/>'
    yield head(kind, (x0, y0), (x1, y1))


def _box(box: Box) -> Iterator[str]:
    left, top = box.x - box.wide // 2, box.y - HIGH // 2
    round_ = {"caller": HIGH // 2, "person": HIGH // 2, "broker": 14}.get(box.kind, 4)
    yield f'<g class="node" data-node="{escaped(box.name).replace(chr(34), "&quot;")}">'
    yield (
        f'<rect class="box" x="{left}" y="{top}" width="{box.wide}" height="{HIGH}"'
        f' rx="{round_}"/>'
    )
    name = fitted(box.name, box.wide - 16, bold=True)
    yield line_of_text(box.x, box.y - 3, name, "bold", anchor="middle")
    sign = {"service": "■ ", "broker": "▲ "}.get(box.kind, "")
    kind = sign + box.kind
    yield line_of_text(box.x, box.y + 17, kind, "quiet", anchor="middle")
    yield "</g>"


def _table(layout: Map) -> TextTable:
    rows = []
    for link in layout.links.values():
        for kind, count in link.counts.items():
            gone = [
                m
                for m in layout.part.messages
                if (m.source, m.target, m.kind) == (link.source, link.target, kind)
                and m.fate != "delivered"
            ]
            fates = {f: sum(m.fate == f for m in gone) for f in (m.fate for m in gone)}
            missing = ", ".join(f"{n:,} {fate}" for fate, n in fates.items())
            source, target = printable(link.source), printable(link.target)
            rows.append((source, target, kind, f"{count:,}", missing or "none"))
    columns = ("from", "to", "kind", "sent", "not delivered")
    return TextTable("Who spoke with whom, as a table", columns, tuple(rows))
