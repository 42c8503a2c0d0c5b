"""A context map as a figure: two columns of contexts, relationships between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from movingparts.draw.figure import Figure, TextTable
from movingparts.draw.ink import (
    LINE,
    SIZE,
    document,
    escaped,
    fitted,
    line_of_text,
    path,
    width,
)

if TYPE_CHECKING:
    from movingparts.strategy.context_map import ContextMap, Relationship

WIDE = 496  # pixels: still read on a phone, where 700 would shrink to half
CELL = 22  # pixels: a mark's height
_PHONE = 17  # pixels: the type there (ink.py), for which there is room everywhere
_EDGE = 6
_BETWEEN = 8  # from one tag at a box's side to the next
_APART = 36  # between boxes that stand one above the other
_DOWN = 30  # of a line that goes down between them
_BOXES = (110, 124)  # how wide boxes are,
_WIDEST = 96  # and a tag: two of each leave room between the columns

# What a mark means. Those of _OWN belong to the context, whatever is downstream of it.
_NAMES = {
    "U": "upstream",
    "D": "downstream",
    "S": "supplier",
    "C": "customer",
    "OHS": "open host service",
    "PL": "published language",
    "ACL": "anti-corruption layer",
    "CF": "conformist",
    "P": "mutual dependence",
    "SK": "shared kernel",
}
_OWN = ("OHS", "PL")
_ROLES = ("U", "D")
_MUTUAL = ("P", "SK")
_INNER = ("right", "left")  # the side of a column's boxes at which the other column is

Row = tuple[str, ...]
Seat = tuple[int, int]  # column, and level: half rows from the top


@dataclass(frozen=True, slots=True)
class Tie:
    """All that two contexts have with each other: the marks at either end.

    `ups` are those of the two that are upstream of the other; `called` says whether
    an operation is.
    """

    names: tuple[str, str]
    rows: dict[str, list[Row]]
    ups: tuple[str, ...]
    called: bool

    def other(self, name: str) -> str:
        """Return the context at the other end."""
        return self.names[name == self.names[0]]


@dataclass(slots=True)
class Box:
    """A context's box: what is written in it, its seat, and where it stands."""

    name: str
    kind: str
    own: Row
    seat: Seat = (0, 0)
    x: int = 0
    y: int = 0
    wide: int = 0
    high: int = 0

    @property
    def middle(self) -> int:
        """The height of its center."""
        return self.y + self.high // 2


@dataclass(frozen=True, slots=True)
class Tag:
    """The marks at one end of a line, row by row, from their upper left corner."""

    x: int
    y: int
    wide: int
    rows: tuple[Row, ...]
    side: str  # of its box: left, right, above, below

    @property
    def high(self) -> int:
        """How far the rows reach down."""
        return CELL * len(self.rows)

    @property
    def start(self) -> tuple[int, int]:
        """Where the line leaves it."""
        x, y = self.x + self.wide // 2, self.y + self.high // 2
        return {
            "left": (self.x, y),
            "right": (self.x + self.wide, y),
            "above": (x, self.y),
            "below": (x, self.y + self.high),
        }[self.side]

    @property
    def turn(self) -> int:
        """Whether marks are written from left to right (1) or from right to left."""
        return -1 if self.side == "left" else 1


@dataclass(frozen=True, slots=True)
class Line:
    """What leads from tag to tag: from the left one, or from the upper one."""

    names: tuple[str, str]
    one: Tag
    other: Tag

    @property
    def back(self) -> bool:
        """Whether it leads back to the column that it comes from."""
        return self.one.side == self.other.side

    @property
    def heights(self) -> tuple[int, int]:
        """Between which heights it stays."""
        one, other = self.one.start[1], self.other.start[1]
        return min(one, other), max(one, other)

    def straight(self) -> str:
        """Return the path that goes straight down."""
        (x, y0), (_, y1) = self.one.start, self.other.start
        return f"M{x} {y0}V{y1}"

    def curved(self, leaves: int, first: int, second: int, arrives: int) -> str:
        """Return the path that bends between two places, with two handles there."""
        (x0, y0), (x1, y1) = self.one.start, self.other.start
        curve = f"C{first} {y0} {second} {y1} {arrives} {y1}"
        return f"M{x0} {y0}H{leaves}{curve}H{x1}"


@dataclass(slots=True)
class Plan:
    """Where boxes, tags and lines stand."""

    boxes: dict[str, Box]
    ties: list[Tie]
    tags: dict[tuple[str, str], Tag] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)  # the path of each tie

    @property
    def bottom(self) -> int:
        """The height of the lowest box's lower edge."""
        return max(box.y + box.high for box in self.boxes.values())


def contexts(
    found: ContextMap, *, title: str, description: str | None = None
) -> Figure:
    """Draw a context map: a box for a context, a line for two that something ties.

    `title` states the finding. Marks at the ends of a line say which patterns stand
    there. A solid line has calls, a dashed one events alone, and pairs that go separate
    ways have none. Upstream stands above where it can. Raises `ValueError` for a map
    without contexts.

    >>> from movingparts.strategy.context_map import Context, context_map
    >>> contexts(context_map([Context("rides", "core")]), title="Rides stand alone")
    <Figure context-map: Rides stand alone>
    """
    if not found.contexts:
        raise ValueError("there is no context to draw")
    plan = planned(found)
    description = described(found) if description is None else description
    legend = _legend(plan, len(found.separate_ways))
    high = plan.bottom + 34 + 26 * len(legend)
    body = [*_shapes(plan), *_explained(legend, plan.bottom + 22)]
    svg = document((WIDE, high), title, description, body)
    table = found.table()
    text = TextTable("What ties them, as a table", table.columns, tuple(table.rows))
    return Figure("context-map", title, description, svg, text)


def planned(found: ContextMap) -> Plan:
    """Give every context a seat, every mark its place and every line its way."""
    ties = _ties(found.relationships)
    marks = [(n, mark) for n, end in _marks(found.relationships) for mark in end]
    plan = Plan({}, ties)
    for each in found.contexts:
        own = tuple(mark for mark in _OWN if (each.name, mark) in marks)
        plan.boxes[each.name] = Box(each.name, each.kind, own)
    names = seated(list(plan.boxes), ties)
    for i, name in enumerate(names):
        plan.boxes[name].seat = _seat(i, len(names))
    _stand(plan)
    _tag(plan)
    _lead(plan)
    return plan


def described(found: ContextMap) -> str:
    """Return in words who is upstream of whom, and where which pattern is."""
    downs: dict[str, list[str]] = {}
    for each in found.relationships:
        if each.through:
            downs.setdefault(each.upstream, []).append(each.downstream)
    sentences = [
        f"{up} is upstream of {', '.join(below)}." for up, below in downs.items()
    ]
    ends = list(_marks(found.relationships))
    for mark, name in _NAMES.items():
        who = [one for one, marks in ends if mark in marks]
        if mark in _MUTUAL:  # both ends show it, one after the other
            pairs = zip(who[::2], who[1::2], strict=True)
            who = [" with ".join(sorted(pair)) for pair in pairs]
        if who and mark not in _ROLES:
            sentences.append(f"{name.capitalize()}: {', '.join(dict.fromkeys(who))}.")
    apart = len(found.separate_ways)
    sentences.append(
        f"{apart} {'pair goes' if apart == 1 else 'pairs go'} separate ways."
    )
    return " ".join([f"{len(found.contexts)} bounded contexts.", *sentences])


# --- what ties whom ----------------------------------------------------------------


def _marks(relationships: Sequence[Relationship]) -> Iterator[tuple[str, Row]]:
    """Yield each end of each relationship with its marks."""
    for each in relationships:
        yield from zip((each.upstream, each.downstream), each.ends(), strict=True)


def _ties(relationships: Sequence[Relationship]) -> list[Tie]:
    """Bring together what holds between the same two, in either direction."""
    pairs: dict[frozenset[str], list[Relationship]] = {}
    for each in relationships:
        pairs.setdefault(frozenset((each.upstream, each.downstream)), []).append(each)
    return [
        Tie(
            (pair[0].upstream, pair[0].downstream),
            {n: _rows(n, pair) for n in (pair[0].upstream, pair[0].downstream)},
            tuple(each.upstream for each in pair if each.through),
            any("called" in each.through.values() for each in pair),
        )
        for pair in pairs.values()
    ]


def _rows(name: str, pair: Sequence[Relationship]) -> list[Row]:
    """Return a context's marks in a pair, each once; a role begins a row."""
    rows: list[Row] = []
    ends = [marks for end, marks in _marks(pair) if end == name]
    for marks in sorted(ends, key=lambda marks: marks[0] != "U"):
        known = {*_OWN, *(mark for row in rows for mark in row)}
        for mark in (each for each in marks if each not in known):
            first = 0 if mark == "SK" else len(rows) - 1  # a kernel is of no role
            fits = [i for i, row in enumerate(rows) if _wide((*row, mark)) <= _WIDEST]
            fits = [i for i in fits if i >= first and mark not in _ROLES]
            if fits:
                rows[fits[0]] += (mark,)
            else:
                rows.append((mark,))
    return rows


# --- who sits where ----------------------------------------------------------------


def seated(names: list[str], ties: Sequence[Tie]) -> list[str]:
    """Order contexts for seats from the top, left before right, at little cost.

    Exchanges two as long as that helps, from each turn of the order that is given.
    """
    found = []
    for turn in range(len(names)):
        order = names[turn:] + names[:turn]
        cost, last = _cost(order, ties), -1
        while cost != last:
            last = cost
            for i, j in combinations(range(len(names)), 2):
                other = [*order]
                other[i], other[j] = order[j], order[i]
                price = _cost(other, ties)
                if price < cost:
                    order, cost = other, price
        found.append((cost, turn, order))
    return min(found)[2]


def _seat(place: int, count: int) -> Seat:
    column = place % 2
    return column, place // 2 * 2 + column * (count % 2)


def _cost(order: Sequence[str], ties: Sequence[Tie]) -> int:
    """Return how hard a drawing would be to read: crossings, then ways, then uphill."""
    seats = {name: _seat(i, len(order)) for i, name in enumerate(order)}
    spans = []
    cost = 0
    for tie in ties:
        one, other = sorted(seats[name] for name in tie.names)
        spans.append((one, other))
        far = abs(one[1] - other[1])
        around = one[0] == other[0] and far > 2
        cost += 3 * far + 20 * around
        for up in tie.ups if len(tie.ups) == 1 else ():
            cost += 8 * (seats[up][1] > seats[tie.other(up)][1])
    return cost + 30 * sum(_cross(a, b) for a, b in combinations(spans, 2))


def _cross(one: tuple[Seat, Seat], other: tuple[Seat, Seat]) -> bool:
    """Return whether the lines between two pairs of seats cross."""
    (a, b), (c, d) = sorted((one, other), key=lambda span: span[0][0] != span[1][0])
    if a[0] != b[0]:
        return (a[1] - c[1]) * (b[1] - d[1]) < 0
    if c[0] == d[0]:
        return a[0] == c[0] and (a[1] < c[1] < b[1] < d[1] or c[1] < a[1] < d[1] < b[1])
    return a[1] < (c if c[0] == a[0] else d)[1] < b[1]


# --- where things stand ------------------------------------------------------------


def _side(plan: Plan, tie: Tie, name: str) -> str:
    """Return the side of a context's box at which a tie begins."""
    column, level = plan.boxes[name].seat
    there = plan.boxes[tie.other(name)].seat
    if there[0] == column and abs(there[1] - level) == 2:
        return "below" if there[1] > level else "above"
    return _INNER[column]


def _pins(plan: Plan, name: str, side: str) -> list[Tie]:
    """Return the ties at a side of a box, from the top: lines to there do not cross."""
    column, level = plan.boxes[name].seat
    here = [tie for tie in plan.ties if name in tie.names]

    def turn(tie: Tie) -> tuple[int, int]:
        there = plan.boxes[tie.other(name)].seat
        if there[0] != column:
            return 1, there[1]
        return (2 if there[1] > level else 0), -there[1]

    return sorted((t for t in here if _side(plan, t, name) == side), key=turn)


def _stand(plan: Plan) -> None:
    """Stack the boxes of each column, rows beside rows or, if odd, between them."""
    _measure(plan)
    needs = _needs(plan)
    for box in plan.boxes.values():
        column, level = box.seat
        above = [needs[each] for each in range(level % 2, level, 2)]
        half = needs[0] // 2 if level % 2 else 0
        box.x = WIDE - _EDGE - box.wide if column else _EDGE
        box.y = half + sum(above) - box.high // 2
    top = min(box.y for box in plan.boxes.values())
    for box in plan.boxes.values():
        box.y += _EDGE - top


def _measure(plan: Plan) -> None:
    """Make each box as large as its words and the tags at its side need."""
    boxes = plan.boxes.values()
    wanted = max(max(_room(box.name, bold=True), _room(box.kind)) for box in boxes)
    for box in boxes:
        box.wide = max(_BOXES[0], min(wanted + 18, _BOXES[1]))
        sizes = [_high(tie, box) for tie in _pins(plan, box.name, _INNER[box.seat[0]])]
        box.high = max(20 + _words(box), sum(sizes) + _BETWEEN * (len(sizes) + 1))


def _needs(plan: Plan) -> dict[int, int]:
    """Return how far the next center below must be from each level's, at least."""
    needs: dict[int, int] = {}
    seats = {box.seat: box for box in plan.boxes.values()}
    for (column, level), one in seats.items():
        other = seats.get((column, level + 2))
        if other is not None:
            tags = sum(_high(tie, one) for tie in _pins(plan, one.name, "below"))
            tags += sum(_high(tie, other) for tie in _pins(plan, other.name, "above"))
            need = (one.high + other.high + 1) // 2 + (tags + _DOWN if tags else _APART)
            needs[level] = max(need, needs.get(level, 0))
    if len(seats) % 2:
        return dict.fromkeys(range(len(seats)), max(needs.values(), default=0))
    return needs


def _high(tie: Tie, box: Box) -> int:
    return CELL * len(tie.rows[box.name])


def _words(box: Box) -> int:
    return LINE * (2 if box.kind else 1) + (CELL + 6 if box.own else 0)


def _tag(plan: Plan) -> None:
    """Put the marks of each line's end at its box."""
    for box in plan.boxes.values():
        for side in ("left", "right", "above", "below"):
            pins = _pins(plan, box.name, side)
            sizes = [_high(tie, box) for tie in pins]
            y = box.middle - (sum(sizes) + _BETWEEN * (len(sizes) - 1)) // 2
            for tie, high in zip(pins, sizes, strict=True):
                rows = tuple(tie.rows[box.name])
                wide = max(map(_wide, rows))
                x = {
                    "left": box.x - wide,
                    "right": box.x + box.wide,
                }.get(side, box.x + (box.wide - wide) // 2)
                top = {"above": box.y - high, "below": box.y + box.high}.get(side, y)
                x = max(2, min(x, WIDE - 2 - wide))
                plan.tags[box.name, tie.other(box.name)] = Tag(x, top, wide, rows, side)
                y += high + _BETWEEN


def _lead(plan: Plan) -> None:
    """Draw the lines; they keep clear of all boxes and tags.

    Those at the same heights bend at the same places, so that those of one box, which
    leave it in the order of their other ends, do not cross.
    """
    lines = []
    for tie in plan.ties:
        one, other = sorted(tie.names, key=lambda name: plan.boxes[name].seat)
        ends = (plan.tags[one, other], plan.tags[other, one])
        lines.append(Line(tie.names, *ends))
    ways = {line.names: line.straight() for line in lines}
    for group in _together([line for line in lines if line.one.side != "below"]):
        ways |= _bent(plan, group)
    plan.lines += [ways[tie.names] for tie in plan.ties]


def _together(lines: Sequence[Line]) -> list[list[Line]]:
    """Group lines that pass the same heights, or that others lead to each other."""
    groups: list[list[Line]] = []
    low = -1
    for line in sorted(lines, key=lambda line: line.heights):
        if line.heights[0] > low:
            groups.append([])
        groups[-1].append(line)
        low = max(low, line.heights[1])
    return groups


def _bent(plan: Plan, group: Sequence[Line]) -> dict[tuple[str, str], str]:
    """Return the paths of lines across, and of those back to their own column."""
    top = min(line.heights[0] for line in group)
    bottom = max(line.heights[1] for line in group)
    left, right = _free(plan, top, bottom)
    bend = min((right - left) // 4, 28)
    ways = {}
    for line in group:
        if line.back:
            # A cubic curve comes three quarters as far as its handles.
            far = (line.heights[1] - line.heights[0]) * 80 // (bottom - top)
            reach = bend * (50 + far) // 100
            at, turn = (left, reach) if line.one.side == "right" else (right, -reach)
            ways[line.names] = line.curved(at, at + turn, at + turn, at)
        else:
            ways[line.names] = line.curved(left, left + bend, right - bend, right)
    return ways


def _free(plan: Plan, top: int, bottom: int) -> tuple[int, int]:
    """Return the free space between the columns at some heights."""
    things: list[tuple[int, Box | Tag]] = []
    things += [(box.seat[0], box) for box in plan.boxes.values()]
    things += [(plan.boxes[name].seat[0], tag) for (name, _), tag in plan.tags.items()]
    near = [(c, t) for c, t in things if t.y - 6 < bottom and top < t.y + t.high + 6]
    left = max((t.x + t.wide for c, t in near if not c), default=_EDGE)
    right = min((t.x for c, t in near if c), default=WIDE - _EDGE)
    return left + 6, right - 6


# --- what is written ---------------------------------------------------------------


def cell(mark: str) -> int:
    """Return how wide a mark is with its frame."""
    return max(CELL, _room(mark) + 8)


def _wide(row: Row) -> int:
    return sum(map(cell, row))


def _room(text: str, *, bold: bool = False) -> int:
    """Estimate the pixels of a text in the type of a phone."""
    return -(-width(text, bold=bold) * _PHONE // SIZE)


def _shapes(plan: Plan) -> Iterator[str]:
    for tie, way in zip(plan.ties, plan.lines, strict=True):
        yield f'<path class="arrow {_kind(tie)}" d="{way}"/>'
    for box in plan.boxes.values():
        yield from _box(box)
    for tag in plan.tags.values():
        for i, row in enumerate(tag.rows):
            yield from _row(tag, row, tag.y + CELL * i)


def _kind(tie: Tie) -> str:
    return ("request" if tie.called else "event") if tie.ups else "plain"


def _box(box: Box) -> Iterator[str]:
    """Draw a context: a core doubly framed, a generic one with a broken frame."""
    frame = f'x="{box.x}" y="{box.y}" width="{box.wide}" height="{box.high}" rx="6"'
    broken = ' stroke-dasharray="6 4"' if box.kind == "generic" else ""
    yield f'<rect class="box" {frame}{broken}/>'
    if box.kind == "core":
        yield (
            f'<rect class="box" x="{box.x + 4}" y="{box.y + 4}"'
            f' width="{box.wide - 8}" height="{box.high - 8}" rx="3"/>'
        )
    yield from _written(box)


def _written(box: Box) -> Iterator[str]:
    """Write a context's name, its kind, and the marks that are its own."""
    x, room = box.x + box.wide // 2, (box.wide - 16) * SIZE // _PHONE
    y = box.middle - _words(box) // 2
    name = escaped(fitted(box.name, room, bold=True))
    yield (
        f'<text x="{x}" y="{y + 15}" text-anchor="middle">'
        f'<tspan font-weight="600">{name}</tspan></text>'
    )
    if box.kind:
        y += LINE
        kind = fitted(box.kind, room)
        yield line_of_text(x, y + 15, kind, "quiet", anchor="middle")
    x -= _wide(box.own) // 2
    for mark in box.own:
        yield from _cell(x, y + LINE + 6, mark, cell(mark))
        x += cell(mark)


def _row(tag: Tag, row: Row, y: int) -> Iterator[str]:
    """Draw marks side by side: the first at the box, the last as wide as is left."""
    row = (*row, "") if row[-1] in _ROLES and cell(row[-1]) < tag.wide else row
    sizes = [cell(mark) if mark else 0 for mark in row]
    sizes[-1] += tag.wide - sum(sizes)
    x = tag.x
    for mark, wide in list(zip(row, sizes, strict=True))[:: tag.turn]:
        yield from _cell(x, y, mark, wide)
        x += wide


def _cell(x: int, y: int, mark: str, wide: int) -> Iterator[str]:
    """Draw a mark in its frame; the roles are dark, the patterns light."""
    kind, classes = ("mark", "bg") if mark in _ROLES else ("work", "")
    where = f'x="{x}" y="{y}" width="{wide}" height="{CELL}"'
    yield f'<rect class="{kind}" {where} rx="2"/>'
    if mark:
        yield line_of_text(x + wide // 2, y + 16, mark, classes, anchor="middle")


def _legend(plan: Plan, apart: int) -> list[list[tuple[str, str]]]:
    """Return the lines and marks that occur, with their meaning, two in a row."""
    marks = {mark for tag in plan.tags.values() for row in tag.rows for mark in row}
    marks |= {mark for box in plan.boxes.values() for mark in box.own}
    kinds = {_kind(tie) for tie in plan.ties}
    lines = {"request": "calls", "event": "events alone"}
    found = [(kind, text) for kind, text in lines.items() if kind in kinds]
    found += [(mark, text) for mark, text in _NAMES.items() if mark in marks]
    if apart:
        found.append(("", f"no line: separate ways ({apart})"))
    half = (len(found) + 1) // 2
    return [found[i::half] for i in range(half)]


def _explained(legend: list[list[tuple[str, str]]], y: int) -> Iterator[str]:
    yield f'<path class="rule" d="{path([(_EDGE, y - 6), (WIDE - _EDGE, y - 6)])}"/>'
    for i, row in enumerate(legend):
        for j, (sign, text) in enumerate(row):
            x, at = _EDGE + j * (WIDE // 2), y + 6 + 26 * i
            if sign in _NAMES:
                yield from _cell(x + 22 - cell(sign) // 2, at, sign, cell(sign))
            elif sign:
                way = path([(x, at + 11), (x + 44, at + 11)])
                yield f'<path class="arrow {sign}" d="{way}"/>'
            yield line_of_text(x + (52 if sign else 0), at + 16, text)
