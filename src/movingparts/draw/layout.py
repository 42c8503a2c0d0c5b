"""Where everything in a sequence diagram stands: columns, heights, labels."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from movingparts.core.recording import Message, Moment
from movingparts.draw.excerpt import Excerpt, what, worded
from movingparts.draw.ink import (
    LINE,
    duration,
    escaped,
    fitted,
    in_units,
    printable,
    width,
)

WIDEST = 700
NARROW = 430  # on a phone, where it is drawn at three quarters of its size
TYPICAL = 46  # pixels down for a message of typical latency
LONGEST = 110  # a stretch of time is drawn no longer than this,
BREAK = 240  # and one that would take more than this is cut out, with a mark
BELOW = 15  # pixels: how far a note stands below an arrow that comes in beside it
EDGE = 10
HEAD = 10  # how much further from a lifeline the words at an arrow's head stand
ROUNDS = 6
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

    def on(self, line: tuple[int, int, int, int]) -> bool:
        """Return whether a line from x0, y0 to x1, y1 goes through it."""
        x0, y0, x1, y1 = line if line[0] <= line[2] else (*line[2:], *line[:2])
        left, right = max(x0, self.x - 3), min(x1, self.x + self.wide + 3)
        if left > right:
            return False
        run = max(x1 - x0, 1)
        here = [y0 + (y1 - y0) * (x - x0) // run for x in (left, right)]
        if x0 == x1:
            here = [y0, y1]
        return min(here) <= self.y + 3 and max(here) >= self.y - 12

    def svg(self) -> str:
        """Write it, on a halo of paper."""
        more = ""
        if self.suffix:
            lead = " " if self.text else ""
            more = f'{lead}<tspan class="{self.suffix_class}">{self.suffix}</tspan>'
        kind = f"halo {self.classes}".strip()
        text = escaped(self.text)
        return f'<text class="{kind}" x="{self.x}" y="{self.y}">{text}{more}</text>'


@dataclass(frozen=True, slots=True)
class Spot:
    """A label that looks for a place: offsets from its instant, best first."""

    at_us: int
    options: list[tuple[int, int]]  # left edge, baseline relative to the instant's y
    label: Label

    def at(self, y: int) -> Iterator[Label]:
        """Yield the label at each of its places, where its instant stands at y."""
        for x, dy in self.options:
            yield replace(self.label, x=x, y=y + dy)


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
    spots: list[tuple[int, Spot]] = field(
        default_factory=list
    )  # by their label's place
    breaks: list[tuple[int, int, str]] = field(default_factory=list)  # y, us, text
    # Tails that start lower, by so many pixels: something else is where their label is.
    lowered: dict[int, int] = field(default_factory=dict)
    extra: dict[int, int] = field(default_factory=dict)  # room above an instant

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
        y0 = self.y(message.sent_us) + self.lowered.get(message.id, 0)
        return x0, y0, x1, max(self.y(self.part.ends(message)), y0)


# --- where things stand -----------------------------------------------------------


def arranged(part: Excerpt, widest: int = WIDEST) -> Diagram:
    """Give every node its column, every instant its height, every label its place.

    `widest` is how wide it may become, in pixels.
    """
    layout = Diagram(part)
    _columns(layout, widest)
    _instants(layout)
    crossed = _clear(layout)
    best, fewest = layout, len(crossed)
    for _ in range(ROUNDS):
        if not fewest:
            break
        # Where an arrow goes through a label, it gets more room to pass below.
        layout = replace(layout, ys=[], labels=[], spots=[], breaks=[])
        layout.extra = {**layout.extra}
        for end in crossed:
            layout.extra[end] = layout.extra.get(end, 0) + LINE
        _instants(layout)
        crossed = _clear(layout)
        if len(crossed) < fewest:
            best, fewest = layout, len(crossed)
    layout = best
    lowest = max([layout.top, *layout.ys, *(label.y - 10 for label in layout.labels)])
    layout.bottom = lowest + 14
    lines = (1 if part.left_out else 0) + (1 if legend(part) else 0)
    layout.size = (layout.size[0], layout.bottom + lines * (LINE + 3) + 16)
    return layout


def _columns(layout: Diagram, widest_drawing: int) -> None:
    part = layout.part
    unit, places = part.scale()
    layout.left = max(width(in_units(part.until_us, unit, places)), width(unit)) + 22
    count = len(part.names)
    widest = max((width(n, bold=True) + 34 for n in part.names), default=0)
    room = widest_drawing - layout.left - EDGE
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
    # Room beside the last lifeline for the label of an answer, or the words of a mark.
    last = [_own(m) for m in part.moments if part.names[-1:] == m.nodes[:1]]
    wide = max([110, *(width(text, bold=True) + 18 for text in last)])
    beside = min(max(wide - side, 0), max(room - across - 2 * side, 0))
    layout.size = (max(layout.left + across + 2 * side + EDGE + beside, 340), 0)
    first = (layout.left + layout.size[0] - EDGE - across - beside) // 2
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
    _lower(layout)
    spots = _spots(layout)
    times = {0} if not part.messages and not part.moments else set(spots)
    times.update(part.ends(m) for m in part.messages)
    times.update(s.start_us for s in part.spans if is_work(s.kind))
    times.update(s.end_us for s in part.spans if is_work(s.kind) and s.end_us)
    end = part.until_us
    layout.instants = sorted(t for t in times if t <= end or t in spots)
    marked = {moment.at_us for moment in part.moments}
    late: dict[int, int] = {}
    for message in part.messages:
        down = layout.lowered.get(message.id, 0)
        late[message.sent_us] = max(down, late.get(message.sent_us, 0))
    y = layout.top
    before: int | None = None
    slow = 2 * part.typical_us
    for at in layout.instants:
        gap = None
        if before is not None:
            dy = (2 * TYPICAL * (at - before) + part.typical_us) // slow
            if dy > BREAK:
                dy, gap = 64, at - before
            # What is marked on a lifeline stands clear of arrows before and after.
            y += max(min(dy, LONGEST), LINE + 3 if {at, before} & marked else 1)
            y += layout.extra.get(at, 0) + late.get(before, 0)
        y = _placed(layout, at, y, spots.get(at, []), gap)
        layout.ys.append(y)
        before = at


def _lower(layout: Diagram) -> None:
    """Find the arrows that start at a mark, or where one sent before them ends."""
    marked = {(at.at_us, name) for at in layout.part.moments for name in at.nodes}
    ended: dict[int, list[Message]] = {}
    for message in layout.part.messages:
        ended.setdefault(layout.part.ends(message), []).append(message)
    for message in layout.part.messages:
        x0, x1 = layout.columns[message.source], layout.columns[message.target]
        wide = width(" ".join(_words(message))) + 16
        reach = (x0, x0 + wide) if x1 >= x0 else (x0 - wide, x0)
        for other in ended.get(message.sent_us, ()):
            ends = (layout.columns[other.source], layout.columns[other.target])
            near = min(ends) < reach[1] and max(ends) > reach[0]
            if other.id < message.id and near and other.source != other.target:
                layout.lowered[message.id] = LINE * _labels(layout, message)
        if (message.sent_us, message.source) in marked:
            # Below the mark's words too, if its own don't fit on the other side.
            behind = x0 - wide if x1 >= x0 else x0 + wide
            fits = layout.left <= behind <= layout.size[0] - EDGE
            room = LINE if fits else 2 * LINE
            layout.lowered[message.id] = max(layout.lowered.get(message.id, 0), room)


def _labels(layout: Diagram, message: Message) -> int:
    """Count the labels that leave together with a message, for the same side."""
    leaves = _leaves(layout, message)
    together = [m for m in layout.part.messages if _leaves(layout, m) == leaves]
    return len({_alike(each) for each in together})


def _leaves(layout: Diagram, message: Message) -> tuple[object, ...]:
    """Return when and where a message leaves, and for which side."""
    ahead = layout.columns[message.target] >= layout.columns[message.source]
    return message.sent_us, message.source, ahead


def is_work(kind: str) -> bool:
    """Return whether a span of this kind is work that a bar shows."""
    return kind in ("server", "consumer", "internal")


def _placed(
    layout: Diagram,
    at: int,
    y: int,
    spots: Sequence[Spot],
    gap: int | None,
) -> int:
    """Lower an instant until its labels touch no earlier ones; return its y."""
    earlier = layout.labels[-80:]
    while True:
        here: list[Label] = []
        if gap is not None:
            text = f"{duration(gap)} later"
            middle = (layout.left + layout.size[0]) // 2
            wide = width(text)
            here.append(Label(middle - wide // 2, y - 38, wide, text, classes="quiet"))
        for spot in spots:
            here.append(_free(spot, y, here))
        drop = max(
            (e.y + LINE - h.y for h in here for e in earlier if h.over(e)), default=0
        )
        if not drop:
            break
        y += drop
    if gap is not None:
        layout.breaks.append((y - 43, gap, here[0].text))
    first = len(layout.labels) + (gap is not None)
    layout.spots += [(first + i, spot) for i, spot in enumerate(spots)]
    layout.labels.extend(here)
    return y


def _free(spot: Spot, y: int, taken: Sequence[Label]) -> Label:
    """Return the label where it touches no other: at its instant, or further down."""
    while True:
        for label in spot.at(y):
            if not any(label.over(other) for other in taken):
                return label
        y += LINE


def _clear(layout: Diagram) -> list[int]:
    """Move labels off arrows, each to another of its places where one is free.

    Returns when the arrows end that still go through a label.
    """
    lines = list(_lines(layout))
    heights = dict(zip(layout.instants, layout.ys, strict=True))
    crossed: list[int] = []
    for number, spot in layout.spots:
        now = layout.labels[number]
        others = [label for i, label in enumerate(layout.labels) if i != number]
        free = [
            place
            for place in spot.at(heights[spot.at_us])
            if not any(place.over(other) for other in others)
        ]
        found = [
            (place, [end for end, line in lines if place.on(line)])
            for place in [now, *free]
        ]
        layout.labels[number], ends = min(found, key=lambda each: len(each[1]))
        crossed += [end for end in ends if end > spot.at_us]
    return crossed


def _lines(layout: Diagram) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Yield what no label should lie on: arrows and their heads, with their end."""
    for message in layout.part.messages:
        end = layout.part.ends(message)
        x0, y0, x1, y1 = layout.ends(message)
        yield end, (x0, y0, x1, y1)
        if y1 > y0 and message.arrived_us is not None:
            near = x1 - 9 if x1 > x0 else x1 + 9
            yield end, (near - 7, y1 - 5, near + 7, y1 - 5)


def _spots(layout: Diagram) -> dict[int, list[Spot]]:
    """Return the labels that look for a place, by their instant."""
    part = layout.part
    spots: dict[int, list[Spot]] = {}
    for moment in part.moments:
        names = [name for name in moment.nodes if name in layout.columns]
        spot = _aside(layout, moment.at_us, names, _own(moment))
        spots.setdefault(moment.at_us, []).append(spot)
    for span in part.spans:
        gave_up = span.kind == "client" and span.outcome == "error"
        if gave_up and span.end_us is not None and span.status is None and span.note:
            text = f"✕ {span.note.rpartition(': ')[2]}"  # the table has all of it
            spot = _aside(layout, span.end_us, [span.node], text, "alarm")
            spots.setdefault(span.end_us, []).append(spot)
    alike: dict[tuple[object, ...], int] = {}
    for message in part.messages:
        key = _alike(message)
        alike[key] = alike.get(key, 0) + 1
    left: set[tuple[object, ...]] = set()
    for message in part.messages:
        count = alike.pop(_alike(message), 0)
        here = spots.setdefault(message.sent_us, [])
        if count:
            times = f" \u00d7{count}" if count > 1 else ""
            leaves = _leaves(layout, message)
            here.append(_beside(layout, message, times, second=leaves in left))
            left.add(leaves)
        spots.setdefault(part.ends(message), [])
    return spots


def _alike(message: Message) -> tuple[object, ...]:
    """Return what messages share that leave together and are labeled once."""
    alone = message.fate != "delivered" or message.copy_of is not None
    own = message.id if alone else None
    return (message.sent_us, message.source, message.kind, what(message), own)


def _aside(
    layout: Diagram,
    at_us: int,
    names: Sequence[str],
    text: str,
    classes: str = "bold",
) -> Spot:
    """Return the place for words on a lifeline: beside it, on the roomier side."""
    xs = [layout.columns[name] for name in names] or [layout.left]
    right_edge = layout.size[0] - EDGE
    text = fitted(text, right_edge - layout.left - 30, bold=True)
    wide = width(text, bold=True)
    right, left = max(xs) + 14, min(xs) - 14 - wide
    dy = -6 if classes == "alarm" else 5  # a caller that gives up may call again
    sides = [right] if right + wide <= right_edge else []
    sides += [left] if left >= layout.left else []
    met = {
        right if x > max(xs) else left: lower for x, lower in _met(layout, at_us, names)
    }
    # The other side first; below an arrow that comes in, since arrows come from above.
    options = [(x, dy) for x in sides if x not in met]
    options += [(x, dy + met[x]) for x in sides if x in met]
    # And clear of an arrow's head.
    options += [
        (x + (HEAD if x == right else -HEAD), dy + 4) for x in sides if x in met
    ]
    inside = max(layout.left + 4, min(right, right_edge - wide))
    label = Label(0, 0, wide, text, classes=classes)
    return Spot(at_us, options or [(inside, -12)], label)


def _own(moment: Moment) -> str:
    """Return what stands beside a mark: a node's name is at the top of its line."""
    name = f"{moment.nodes[0]} " if len(moment.nodes) == 1 else ""
    if name and moment.kind in ("crash", "restart") and moment.text.startswith(name):
        return printable(moment.text.removeprefix(name))
    return worded(moment)


def _met(
    layout: Diagram, at_us: int, names: Sequence[str]
) -> Iterator[tuple[int, int]]:
    """Yield where arrows lead that touch these nodes at a time, and the room below."""
    for message in layout.part.messages:
        source, target = layout.columns[message.source], layout.columns[message.target]
        if message.arrived_us == at_us and message.target in names:
            yield source, BELOW
        if message.sent_us == at_us and message.source in names:
            yield target, 0


def _beside(
    layout: Diagram, message: Message, times: str = "", *, second: bool = False
) -> Spot:
    """Return the places for a message's label: above the tail of its own arrow.

    Where another arrow runs there: on the other side of the lifeline, or below. The
    second of two that leave together for that side: above the label of the first.
    """
    text, *rest = _words(message)
    text, suffix = text + times, rest[0] if rest else ""
    room = layout.size[0] - EDGE - layout.left - 8
    text = fitted(text, room - width(suffix) - 8 if suffix else room)
    wide = width(f"{text} {suffix}" if suffix else text)
    x0, x1 = layout.columns[message.source], layout.columns[message.target]
    right_edge = layout.size[0] - EDGE
    if suffix and x1 > x0 and x0 + 12 + wide > right_edge:
        # The sign alone, where the words don't fit: the table has them.
        suffix = suffix.split()[0]
        wide = width(f"{text} {suffix}")
    right, left = x0 + 12, x0 - 12 - wide
    if x1 == x0:
        right = x0 + 34
    ahead, behind = (right, left) if x1 >= x0 else (left, right)
    fits = [x for x in (ahead, behind) if layout.left + 4 <= x <= right_edge - wide]
    if ahead not in fits:
        fits.insert(0, max(layout.left + 4, min(ahead, right_edge - wide)))
    color = "quiet" if message.fate == "in flight" else "alarm"
    color = color if message.copy_of is None else "again"
    label = Label(0, 0, wide, text, suffix, suffix_class=color)
    down = layout.lowered.get(message.id, 0)
    places = [(x, down + dy) for dy in (-6, 17) for x in fits]
    if second:
        places.insert(1, (fits[0], down - 6 - LINE))
    return Spot(message.sent_us, places, label)


def legend(part: Excerpt) -> str:
    """Return what the two kinds of line mean, where an event is drawn."""
    kinds = {m.kind for m in part.messages}
    if "event" not in kinds:
        return ""
    return (
        "Solid: a call and its reply. Dashed ▲: an event."
        if (kinds & {"request", "reply"})
        else "Dashed ▲: an event."
    )
