"""The map: who spoke with whom, how often, and what went missing."""

from itertools import combinations

import pytest

from movingparts.core.recording import Recorder, Recording
from movingparts.draw import topology
from movingparts.draw.crossings import goes_through, tangle
from movingparts.draw.excerpt import excerpt
from movingparts.draw.ink import LINE
from movingparts.draw.topology import HIGH, _shared, mapped
from tests.draw.recordings import calls, fan_out, ride
from tests.draw.test_sequence import words


def test_links_say_how_many_went_and_how_many_failed() -> None:
    """Each pair of nodes has one label, with both directions in it."""
    text = words(topology(calls()))
    assert "↓ 3 requests" in text
    assert "↑ 3 replies ✕ 1" in text


def test_the_table_distinguishes_the_fates() -> None:
    """The table has a row for each link and kind, and what became of the rest."""
    rows = topology(ride()).table.rows
    expected = ("rides", "payments", "request", "5", "1 blocked, 1 late, 1 in flight")
    assert expected in rows
    assert ("payments", "rides", "reply", "2", "1 lost") in rows


def test_acks_are_not_drawn() -> None:
    """An ack would double each event's line and say nothing more."""
    assert "ack" not in {kind for _, _, kind, _, _ in topology(ride()).table.rows}


def test_the_broker_stands_between_those_who_publish_and_those_who_listen() -> None:
    """Callers are at the top, the broker in the middle, its listeners below."""
    boxes = mapped(excerpt(ride())).boxes
    heights = [boxes[name].y for name in ("rider", "rides", "bus", "billing")]
    assert sorted(set(heights)) == heights


@pytest.mark.slow
def test_boxes_stand_apart() -> None:
    """No box covers another, however many there are."""
    for width in (1, 2, 3, 5, 8, 12, 16, 17, 40):
        boxes = list(mapped(excerpt(fan_out(width))).boxes.values())
        near = [
            (one.name, other.name)
            for i, one in enumerate(boxes)
            for other in boxes[i + 1 :]
            if abs(one.x - other.x) < one.wide + 8 and abs(one.y - other.y) < 60
        ]
        assert [] == near


def test_a_label_between_two_boxes_side_by_side_covers_neither() -> None:
    to = Recorder("simulated", 7, "")
    for name in ("rides", "billing", "bus"):
        to.join(name, "broker" if name == "bus" else "service")
    for source, target in (("rides", "billing"), ("rides", "bus"), ("billing", "bus")):
        to.message(
            "event", source, target, label="ride-ended", sent_us=0, arrived_us=1,
            fate="delivered",
        )  # fmt: skip
    layout = mapped(excerpt(to.recording(1)))
    assert layout.boxes["billing"].y == layout.boxes["bus"].y
    boxes = [(b.x - b.wide // 2, b.y - 27, b.wide, 54) for b in layout.boxes.values()]
    labels = [(x, y, wide, 23) for x, y, wide, _ in layout.labels]
    assert not any(_shared(label, box) for label in labels for box in boxes)


def spoken(*pairs: tuple[str, str]) -> Recording:
    """Return a recording in which each pair exchanges one request and its reply."""
    to = Recorder("simulated", 7, "")
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        to.join(name, "caller" if name in ("ada", "bob") else "service")
    for source, target in pairs:
        both = {"label": "call", "sent_us": 0, "arrived_us": 1, "fate": "delivered"}
        to.message("request", source, target, **both)
        to.message("reply", target, source, **both)
    return to.recording(1)


SIDE_BY_SIDE = (("bob", "docklink"), ("bob", "display"), ("docklink", "display"))
CROSSED = (
    ("ada", "before"), ("ada", "on-the-way"), ("bob", "before"),
    ("before", "on-the-way"),
)  # fmt: skip
FAN = (
    ("ada", "rental"), ("ada", "docks"), ("bob", "workshop"),
    ("rental", "bikes"), ("docks", "bikes"), ("workshop", "bikes"),
)  # fmt: skip
SKIPPED = (
    ("ada", "rides"), ("rides", "billing"), ("rides", "bus"), ("rides", "availability"),
    ("billing", "bus"), ("bus", "availability"),
    ("rides", "stations"),
)  # fmt: skip
ALL = pytest.mark.parametrize("pairs", [SIDE_BY_SIDE, CROSSED, FAN, SKIPPED])


@ALL
def test_no_label_is_cut_off(pairs: tuple[tuple[str, str], ...]) -> None:
    """The map is as high as its lowest label needs, also below the last boxes."""
    layout = mapped(excerpt(spoken(*pairs)))
    for x, y, wide, lines in layout.labels:
        assert 0 <= x <= layout.size[0] - wide
        assert 0 <= y <= layout.size[1] - LINE * len(lines) - 4


@ALL
def test_a_label_lies_on_no_line_but_its_own(
    pairs: tuple[tuple[str, str], ...],
) -> None:
    """Or one could not tell which pair it counts; nor does it touch another label."""
    layout = mapped(excerpt(spoken(*pairs)))
    labels = [(x, y, wide, LINE * len(t) + 4) for x, y, wide, t in layout.labels]
    touched = [
        {
            frozenset(pair)
            for pair, link in layout.links.items()
            if goes_through(link.ends[:2], link.ends[2:], label)
        }
        for label in labels
    ]
    own = [frozenset(pair) for pair in pairs]
    assert [] == [t for t, pair in zip(touched, own, strict=True) if t - {pair}]
    assert not any(_shared(a, b) for a, b in combinations(labels, 2))


@ALL
def test_no_line_goes_through_a_box(pairs: tuple[tuple[str, str], ...]) -> None:
    """Boxes change places for it; and every head is outside of the box it points to."""
    layout = mapped(excerpt(spoken(*pairs)))
    boxes = [(b.x - b.wide // 2, b.y - 27, b.wide, 54) for b in layout.boxes.values()]
    ends = [(link.ends[:2], link.ends[2:]) for link in layout.links.values()]
    assert not any(goes_through(*line, box) for line in ends for box in boxes)


def test_lines_do_not_cross_where_boxes_can_change_places() -> None:
    """Bob stands above the one service that he calls."""
    layout = mapped(excerpt(spoken(*CROSSED)))
    assert layout.boxes["bob"].x == layout.boxes["before"].x
    at = {box.name: (box.x, box.y) for box in layout.boxes.values()}
    assert 0 == tangle(at, CROSSED, (110, HIGH))


def test_there_and_back_are_two_lines() -> None:
    """Requests and replies run beside each other, not over each other."""
    links = mapped(excerpt(calls())).links
    there, back = links["rides", "pricing"].ends, links["pricing", "rides"].ends
    assert there[0] != back[2]
    assert there[:2] != back[2:]


def test_a_message_to_oneself_is_a_loop_at_the_box() -> None:
    """It has a line, a label and a row like any other link."""
    to = Recorder("simulated", 1, "")
    to.message(
        "event", "rides", "rides", label="Tick", sent_us=0, arrived_us=500,
        fate="delivered",
    )  # fmt: skip
    figure = topology(to.recording(1_000))
    assert "h22v28h-20" in figure.svg
    assert (("rides", "rides", "event", "1", "none"),) == figure.table.rows
