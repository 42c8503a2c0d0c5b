"""Where lines on a map go through a box or through each other, and how to avoid it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, permutations

Point = tuple[int, int]
Rect = tuple[int, int, int, int]  # left, top, width, height
MOST = 24  # pairs: with more of them the search would take too long


def goes_through(start: Point, end: Point, rect: Rect) -> bool:
    """Return whether a straight line touches a rectangle."""
    (x0, y0), (x1, y1), (left, top, wide, high) = start, end, rect
    if max(x0, x1) < left or min(x0, x1) > left + wide:
        return False
    if max(y0, y1) < top or min(y0, y1) > top + high:
        return False
    corners = [(x, y) for x in (left, left + wide) for y in (top, top + high)]
    sides = [_side(start, end, corner) for corner in corners]
    return min(sides) <= 0 <= max(sides)


def tangle(
    at: Mapping[str, Point], pairs: Collection[tuple[str, str]], size: Point
) -> int:
    """Count the lines that go through others' boxes, or through each other.

    `at` has the centers of boxes that are all of one size. A line through a box
    counts three times: it looks as if it ended there.
    """
    wide, high = size[0] + 12, size[1] + 12
    through = sum(
        goes_through(at[a], at[b], (x - wide // 2, y - high // 2, wide, high))
        for a, b in pairs
        for name, (x, y) in at.items()
        if name not in (a, b)
    )
    crossed = sum(
        _cross(at[a], at[b], at[c], at[d])
        for (a, b), (c, d) in combinations(pairs, 2)
        if not {a, b} & {c, d}
    )
    return 3 * through + crossed


def untangled(
    at: Mapping[str, Point],
    pairs: Collection[tuple[str, str]],
    size: Point,
    *,
    room: tuple[int, int],
    step: int,
) -> dict[str, Point]:
    """Swap boxes within their rows, and move rows sideways, while that helps.

    Boxes of one row have the same y. `room` is between which x centers may stand,
    `step` is how far a row moves, or half of it. Of equally good places it takes the
    one with the shortest lines.
    """
    best = dict(at)
    least = tangle(best, pairs, size)
    while least > 0 and len(pairs) <= MOST:
        found = [(tangle(c, pairs, size), c) for c in _others(best, room, step)]
        fewest = min((cost for cost, _ in found), default=least)
        if fewest >= least:
            break
        equal = [places for cost, places in found if cost == fewest]
        best, least = min(equal, key=lambda places: _length(places, pairs)), fewest
    return best


def _others(
    at: Mapping[str, Point], room: tuple[int, int], step: int
) -> Iterator[dict[str, Point]]:
    rows: dict[int, list[str]] = {}
    for name, (_, y) in at.items():
        rows.setdefault(y, []).append(name)
    for y, row in rows.items():
        for aside in (0, -step // 2, step // 2, -step, step):
            xs = [at[name][0] + aside for name in row]
            if room[0] <= min(xs) and max(xs) <= room[1]:
                for order in permutations(row):
                    places: Sequence[Point] = [(x, y) for x in xs]
                    yield {**at, **dict(zip(order, places, strict=True))}


def _length(at: Mapping[str, Point], pairs: Collection[tuple[str, str]]) -> int:
    return sum(abs(at[a][0] - at[b][0]) for a, b in pairs)


def _side(start: Point, end: Point, of: Point) -> int:
    """Return on which side of a line a point lies: negative, 0 or positive."""
    (x0, y0), (x1, y1), (x, y) = start, end, of
    return (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0
