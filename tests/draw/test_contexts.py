"""The context map as a figure: every mark at its end, and every line in the clear."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movingparts.draw import Figure, contexts
from movingparts.draw.contexts import WIDE, Plan, planned, seated
from movingparts.strategy.context_map import (
    Context,
    ContextMap,
    Relationship,
    context_map,
)
from tests.draw.recordings import HOSTILE, digests
from tests.draw.test_sequence import GOLDEN, boxes, overlaps, words
from tests.strategy.test_context_map import larkhaven, systems

SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]
Rect = tuple[int, int, int, int]  # left, top, right, bottom


def drawn(*facts: Context) -> Figure:
    return contexts(context_map(facts or larkhaven()), title="Who listens to whom")


def crowd(count: int, ties: int) -> ContextMap:
    """Return a map with relationships spread over its pairs, and all patterns."""
    names = [f"context-{letter}" for letter in "abcdefghijkl"[:count]]
    pairs = [(a, b) for a in names for b in names if a != b]
    chosen = sorted({pairs[i * 11 % len(pairs)] for i in range(ties)})
    signs = (("ACL",), ("C/S", "CF"), ("P", "C/S", "OHS", "PL", "ACL", "CF"), ())
    found = [
        Relationship(
            *pair,
            {"x": "called" if i % 3 else "read by f"},
            dict.fromkeys(signs[i % 4], "because"),
        )
        for i, pair in enumerate(chosen)
    ]
    found += [Relationship(*pair, {}, {"SK": "both use x"}) for pair in chosen[:2]]
    kinds = ("core", "supporting", "generic")
    facts = tuple(Context(name, kinds[i % 3]) for i, name in enumerate(names))
    return ContextMap(facts, tuple(found))


LONG = [
    Context("identity-and-access-management", "very generic indeed", imports=("k",)),
    Context("w" * 40, imports=("k",)),
    Context("x", imports=("k",)),
]
MAPS = {
    "larkhaven": context_map(larkhaven()),
    "one": context_map([Context("rides", "core")]),
    "two": crowd(2, 2),
    "three": crowd(3, 6),
    "four": crowd(4, 12),
    "seven": crowd(7, 12),
    "eight": crowd(8, 14),
    "all of eight": crowd(8, 56),
    "twelve": crowd(12, 30),
    "long names": context_map(LONG),
    "nothing in common": context_map([Context(name) for name in "abcde"]),
}


def points(way: str) -> Iterator[Point]:
    """Walk along a line of M, H, V and C."""
    at = (0.0, 0.0)
    for letter, text in re.findall(r"([MHVC])([^MHVC]*)", way):
        numbers = [float(number) for number in text.split()]
        if letter == "M":
            at = (numbers[0], numbers[1])
            continue
        x, y = at
        if letter in "HV":
            to = (numbers[0], y) if letter == "H" else (x, numbers[0])
            numbers = [x, y, *to, *to]
        x1, y1, x2, y2, x3, y3 = numbers
        for step in range(101):
            t = step / 100
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            at = (a * x + b * x1 + c * x2 + d * x3, a * y + b * y1 + c * y2 + d * y3)
            yield at


def within(point: Point, rect: Rect, margin: int) -> bool:
    (x, y), (left, top, right, bottom) = point, rect
    beside = left - margin < x < right + margin
    return beside and top - margin < y < bottom + margin


def tangles(found: ContextMap) -> list[object]:
    """Return what covers what, and which lines run through things or hang loose."""
    plan = planned(found)
    rects: dict[object, Rect] = {
        name: (each.x, each.y, each.x + each.wide, each.y + each.high)
        for name, each in {**plan.boxes, **plan.tags}.items()
    }
    wrong: list[object] = [
        (one, other)
        for (one, a), (other, b) in combinations(rects.items(), 2)
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]
    for tie, way in zip(plan.ties, plan.lines, strict=True):
        line = list(points(way))
        wrong += [
            (tie.names, name)
            for name, rect in rects.items()
            if any(within(point, rect, -1) for point in line)
        ]
        ends = {tie.names, tie.names[::-1]}
        for end in (line[0], line[-1]):
            ends -= {pair for pair in ends if within(end, rects[pair], 1)}
        wrong += [(pair, "hangs loose") for pair in ends]
    return wrong


def crossings(plan: Plan) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Return the pairs of ties whose lines cross, as often as they do."""

    def left_of(a: Point, b: Point, c: Point) -> bool:
        return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0])

    def meet(a: Point, b: Point, c: Point, d: Point) -> bool:
        if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
            return False  # soon said, and most often so
        parted = left_of(a, b, c) != left_of(a, b, d)
        return parted and left_of(c, d, a) != left_of(c, d, b)

    lines = [
        (tie.names, list(pairwise(dict.fromkeys([*points(way)][::5]))))
        for tie, way in zip(plan.ties, plan.lines, strict=True)
    ]
    return [
        (one, other)
        for (one, these), (other, those) in combinations(lines, 2)
        for a, b in these
        for c, d in those
        if meet(a, b, c, d)
    ]


@pytest.mark.parametrize("name", MAPS)
def test_nothing_covers_anything(name: str) -> None:
    """No box or tag lies on another; lines lead from tag to tag, and through none."""
    assert [] == tangles(MAPS[name])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(systems())
def test_nothing_covers_anything_whatever_the_facts(facts: list[Context]) -> None:
    found = context_map(facts)
    assert [] == tangles(found)
    assert [] == overlaps(contexts(found, title="t"))


@pytest.mark.parametrize("name", MAPS)
def test_a_map_is_read_on_a_phone_too(name: str) -> None:
    """Its type is more than 11 px high where it shrinks to 325 px: none is bold.

    What is bold does not grow on a phone (ink.py); all else does, and has the room.
    """
    figure = contexts(MAPS[name], title="t")
    root = ET.fromstring(figure.svg)
    _, _, wide, high = map(int, root.get("viewBox", "").split())
    assert WIDE == wide
    assert 17 * 325 / WIDE > 11
    assert [] == [b for b in boxes(figure) if b[0] < 0 or b[2] > wide or b[3] > high]
    assert [] == overlaps(figure)
    assert [] == [t for t in root.iter(f"{SVG}text") if "bold" in t.get("class", "")]


def ends(figure_of: ContextMap) -> dict[tuple[str, str], list[str]]:
    """Return the mark at each end of each line, row by row."""
    return {
        pair: [" ".join(row) for row in tag.rows]
        for pair, tag in planned(figure_of).tags.items()
    }


def test_each_mark_stands_at_the_end_that_it_belongs_to() -> None:
    found = ends(MAPS["larkhaven"])
    assert ["U"] == found["stations", "rides"]
    assert ["D ACL"] == found["rides", "stations"]
    assert ["U S"] == found["availability", "rides"]
    assert ["D C"] == found["rides", "availability"]
    assert ["D CF"] == found["billing", "riders"]
    assert 2 * 6 == len(found)


def test_partners_have_both_roles_and_one_line() -> None:
    found = ends(MAPS["larkhaven"])
    assert ["U P S", "D ACL"] == found["billing", "rides"]
    assert ["U P", "D C"] == found["rides", "billing"]


def test_an_open_host_is_marked_in_its_box() -> None:
    """Its language is the same for all of them, so their lines need not say it."""
    own = {name: box.own for name, box in planned(MAPS["larkhaven"]).boxes.items()}
    hosts = {name for name, marks in own.items() if marks == ("OHS", "PL")}
    assert {"stations"} == hosts
    assert {("OHS", "PL"), ()} == set(own.values())


def test_a_kernel_has_a_line_without_roles() -> None:
    found = context_map([Context(name, imports=("city.bike",)) for name in "abc"])
    assert [["SK"]] * 6 == list(ends(found).values())
    assert 3 == contexts(found, title="t").svg.count('class="arrow plain"')


def test_a_kernel_beside_a_contract_shares_its_line() -> None:
    up = Context("up", publishes=("up.e",), imports=("k",))
    down = Context("down", reads={"up.e": "f"}, imports=("k",))
    found = context_map([up, down])
    assert {("up", "down"): ["U SK"], ("down", "up"): ["D SK"]} == ends(found)


def test_marks_without_room_go_to_the_next_row() -> None:
    """A tag never grows so wide that it would meet the one across."""
    up = Context("up", publishes=("up.a", "up.b"), imports=("k",))
    reads = {"up.a": "down.acl.f", "up.b": "down.model.F"}
    down = Context("down", reads=reads, expects=("up",), imports=("k",))
    found = context_map([up, down])
    assert ["D C ACL", "CF SK"] == ends(found)["down", "up"]


def test_a_solid_line_calls_and_a_dashed_one_tells() -> None:
    """Where both happen, the line is solid: it is the call that waits."""
    up = Context("up", publishes=("up.e",), offers=("GET /it",))
    reads, calls = {"up.e": "f"}, {"up": ("GET /it",)}
    for down, expected in (
        (Context("down", reads=reads), ["event"]),
        (Context("down", calls=calls), ["request"]),
        (Context("down", reads=reads, calls=calls), ["request"]),
    ):
        drawing, legend = drawn(up, down).svg.split('class="rule"')
        assert expected == re.findall(r'class="arrow (\w+)"', drawing)
        assert expected == re.findall(r'class="arrow (\w+)"', legend)


def test_the_role_stands_next_to_the_box() -> None:
    """On the left of a box marks are written from right to left."""
    plan = planned(MAPS["larkhaven"])
    drawing, _ = drawn().svg.split('class="rule"')
    found = {
        (int(x), int(x) + int(wide), int(y))
        for x, y, wide in re.findall(
            r'"mark" x="(\d+)" y="(\d+)" width="(\d+)"', drawing
        )
    }
    for (name, _), tag in plan.tags.items():
        box = plan.boxes[name]
        here = {mark for mark in found if tag.y <= mark[2] < tag.y + tag.high}
        if tag.side == "left":
            assert box.x in {right for _, right, _ in here}
        elif tag.side == "right":
            assert box.x + box.wide in {left for left, _, _ in here}
        else:
            assert tag.x in {left for left, _, _ in here}
    assert len(found) == sum(len(tag.rows) for tag in plan.tags.values())


def test_a_kind_is_shown_by_its_word_and_by_its_frame() -> None:
    """Core: two frames; generic: a broken one; supporting: neither."""

    def frames(kind: str) -> tuple[int, bool]:
        svg = drawn(Context("rides", kind)).svg
        assert kind in words(drawn(Context("rides", kind)))
        return svg.count('class="box"'), 'stroke-dasharray="6 4"' in svg

    assert (2, False) == frames("core")
    assert (1, False) == frames("supporting")
    assert (1, True) == frames("generic")


def test_the_legend_explains_what_occurs_and_nothing_else() -> None:
    output = words(drawn()).splitlines()
    for meaning in ("upstream", "supplier", "conformist", "mutual dependence", "calls"):
        assert meaning in output
    assert "shared kernel" not in output
    few = words(drawn(*(Context(name, imports=("k",)) for name in "ab"))).splitlines()
    assert ["a", "b", "SK", "SK", "SK", "shared kernel"] == few


def test_separate_ways_are_counted_and_not_drawn() -> None:
    figure = drawn(Context("riders"), Context("stations"))
    assert "no line: separate ways (1)" in words(figure)
    assert "arrow" not in figure.svg
    assert "no line" not in words(drawn(Context("riders")))


def test_the_table_has_the_evidence() -> None:
    table = MAPS["larkhaven"].table()
    text = drawn().table
    assert (table.columns, tuple(table.rows)) == (text.columns, text.rows)
    assert "riders.pass-bought read by city.billing.model.PassBought" in text.html()


def test_the_description_says_who_depends_on_whom_and_how() -> None:
    expected = (
        "6 bounded contexts. availability is upstream of fleet, rides. billing is"
        " upstream of rides. fleet is upstream of availability. riders is upstream of"
        " billing. rides is upstream of billing. stations is upstream of availability,"
        " rides. Supplier: availability, billing. Customer: rides. Open host service:"
        " stations. Published language: stations."
        " Anti-corruption layer: fleet, availability, billing, rides. Conformist:"
        " billing. Mutual dependence: availability with fleet, billing with rides."
        " 9 pairs go separate ways."
    )
    assert expected == drawn().description
    reported = contexts(MAPS["one"], title="t", description="A ride rides alone.")
    assert "A ride rides alone." == reported.description
    pair = drawn(
        Context("a", imports=("k",)), Context("b", imports=("k",)), Context("c")
    )
    kernel = "Shared kernel: a with b. 2 pairs go separate ways."
    assert f"3 bounded contexts. {kernel}" == pair.description
    assert "1 pair goes separate ways." in drawn(Context("a"), Context("b")).description


def test_upstream_stands_above() -> None:
    """A chain of four is drawn from its spring to its mouth, in any order of facts."""
    chain = [
        Context("spring", publishes=("spring.e",)),
        Context("brook", publishes=("brook.e",), reads={"spring.e": "f"}),
        Context("river", publishes=("river.e",), reads={"brook.e": "f"}),
        Context("mouth", reads={"river.e": "f"}),
    ]
    for facts in (chain, chain[::-1], [*chain[2:], *chain[:2]]):
        at = {n: box.middle for n, box in planned(context_map(facts)).boxes.items()}
        assert at["spring"] <= at["brook"] <= at["river"] <= at["mouth"]


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.permutations(larkhaven()))
def test_seats_are_such_that_no_line_crosses_or_turns_back(
    facts: list[Context],
) -> None:
    """In whatever order they come, larkhaven's contexts find seats for that."""
    plan = planned(context_map(facts))
    assert [] == crossings(plan)
    assert [] == back(plan)


def back(plan: Plan) -> list[tuple[str, str]]:
    """Return the ties whose lines turn back to the column that they come from."""
    ends = [(tie.names, tie.names[::-1]) for tie in plan.ties]
    sides = [(a, {plan.tags[a].side, plan.tags[b].side}) for a, b in ends]
    return [names for names, both in sides if len(both) == 1]


@pytest.mark.parametrize("ties", [6, 9, 16])
def test_lines_seldom_turn_back(ties: int) -> None:
    """They do only where that saves a crossing."""
    assert [] == back(planned(crowd(6, ties)))


def test_lines_are_short() -> None:
    """Ten contexts with ten ties: most are next to each other."""
    plan = planned(crowd(10, 10))
    levels = [[plan.boxes[name].seat[1] for name in tie.names] for tie in plan.ties]
    assert sum(abs(one - other) for one, other in levels) <= 8


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(systems())
def test_lines_of_one_context_do_not_cross(facts: list[Context]) -> None:
    """They leave its box in the order in which their other ends stand."""
    needless(planned(context_map(facts)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seven", "eight", "all of eight", "twelve"])
def test_nor_do_they_where_there_are_many(name: str) -> None:
    needless(planned(MAPS[name]))


def needless(plan: Plan) -> None:
    """Assert that lines of one context never cross, and others at most once."""
    met = crossings(plan)
    assert [] == [(one, other) for one, other in met if set(one) & set(other)]
    assert sorted(set(met)) == sorted(met)


@settings(max_examples=20)
@given(st.permutations("abcdefg"))
def test_everyone_has_a_seat(names: list[str]) -> None:
    ties = planned(MAPS["nothing in common"]).ties
    assert sorted(names) == sorted(seated(names, ties))


def test_no_context_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^there is no context to draw$"):
        contexts(ContextMap((), ()), title="t")


def test_names_stay_text() -> None:
    """Markup in a context's name, its kind or its contracts is text."""
    facts = [
        Context(text, kind=text, publishes=(f"{text}.e",), imports=(text,))
        for text in HOSTILE
    ]
    facts.append(Context("x", reads={f"{HOSTILE[0]}.e": HOSTILE[1]}, imports=HOSTILE))
    figure = contexts(context_map(facts), title=HOSTILE[0], description=HOSTILE[1])
    ET.fromstring(figure.svg)
    assert "<script" not in figure.html()
    assert "<img" not in figure.html()


def test_a_map_is_as_it_was() -> None:
    """A change of a drawing shows in review: python -m tests.draw.goldens."""
    golden = GOLDEN / "context-map.svg"
    assert golden.read_text(encoding="utf-8") == drawn().svg


@pytest.mark.slow
def test_a_map_is_the_same_bytes_in_every_run() -> None:
    """Hash seeds change the order of sets; neither map nor figure notices."""
    code = (
        "import hashlib\n"
        "from tests.draw.test_contexts import MAPS, drawn\n"
        "from movingparts.draw import contexts\n"
        "text = ''.join(contexts(each, title='t').html() for each in MAPS.values())\n"
        "print(hashlib.sha256((text + drawn().html()).encode()).hexdigest())\n"
    )
    assert 1 == len(digests(code))
