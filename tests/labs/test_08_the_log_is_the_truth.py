"""Lab 08: what its text says of its outputs, and what of it needs sockets."""

import re

from tests.labs.labs import local_cells, read, texts

LAB = "08-the-log-is-the-truth"
SOCKETS = re.compile(r"^(real-open|before|kill|gone|back|beside|close)")


def test_only_what_is_real_needs_sockets():
    code = [cell.id for cell in read(LAB).cells if cell.cell_type == "code"]
    assert {key for key in code if SOCKETS.match(key)} == local_cells(read(LAB))


def test_only_an_expected_version_promises_each_bike_once():
    careless, careful, again = table("again-run")
    assert careless["promised twice"] > 0 == careless["no bike"]
    for each in (careful, again):
        assert (0, 50 - 40) == (each["promised twice"], each["no bike"])
    assert careful["choices"] > 5 * again["choices"] > 5 * 50
    assert careful["most by one rider"] > 10


def test_a_stream_for_each_bike_is_as_good_as_deciding_again():
    careful, again, per_bike = table("per-bike-run")
    assert ("again", "per_bike") == (again.pop(""), per_bike.pop(""))
    assert again == per_bike
    assert careful["choices"] > per_bike["choices"]


def test_bikes_are_conserved_and_the_check_can_fail():
    recorded, without_trucks, without_an_end = table("conserved-run")
    events = {row[""]: row["events"] for row in table("own-log")}
    assert {"events that can't be": 0, "": "as recorded"} == recorded
    assert events["BikeMoved"] == without_trucks["events that can't be"] > 0
    assert 1 == without_an_end["events that can't be"]
    assert events["RideStarted"] == events["RideEnded"] == events["FareCharged"]


def test_the_map_shows_all_stations_and_some_have_no_bike():
    text = texts(read(LAB))
    assert "'24 of 24 stations are on the map'" == text["scrub-spots"]
    assert re.search(r": Monday, 08:17: \d+ of 24 stations", text["scrub-map"])
    assert text["scrub-slider"].startswith("VBox(children=(IntSlider(")


def test_snapshots_pay_where_streams_are_long():
    ride, *others = table("judge-run")
    best = {}
    for each in (ride, *others):
        costs = {k: v for k, v in each.items() if k not in ("", "longest")}
        best[each[""]] = min(costs, key=costs.__getitem__)
        assert best[each[""]] not in ("every 2", "every 1,000")
    assert "no snapshot" == best.pop("a ride")
    assert {"every 10"} == {*best.values()}
    lengths = [each["longest"] for each in (ride, *others)]
    assert sorted(lengths) == lengths


def test_what_it_shows_of_the_real_world_are_invariants():
    text = texts(read(LAB))
    assert "([4, 3, 2, 3], True)" == text["before"]
    assert "(False, False)" == text["kill"]
    assert [10, 10, 0, 0] == [row["there are"] for row in table("gone")]
    assert 30 == sum(row["rides that ended there"] for row in table("gone-new"))
    assert "True" == text["back-then"]
    for key, reports in (("back", 12 + 200), ("beside", 12 + 320)):
        rows = [row["in the files"] for row in table(key)]
        assert [reports, 0, reports, 0] == rows
        assert f"{reports} of {reports}" in texts(read(LAB))[key]


def table(key):
    """Return each row of a table by its columns; a number's first digits are enough."""
    head, *lines = [re.split(r" {2,}", line) for line in _lines(key)]
    columns = ["", *head[1:]]
    return [dict(zip(columns, map(_number, line), strict=True)) for line in lines]


def _lines(key):
    return [line.strip() for line in texts(read(LAB))[key].splitlines()]


def _number(text):
    found = re.match(r"[\d,.]+", text)
    return float(found[0].replace(",", "")) if found else text
