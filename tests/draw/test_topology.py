"""The map: who spoke with whom, how often, and what went missing."""

import pytest

from movingparts.core.recording import Recorder
from movingparts.draw import topology
from movingparts.draw.excerpt import excerpt
from movingparts.draw.topology import _shared, mapped
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
