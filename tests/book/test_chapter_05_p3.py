"""Chapter 05, page 3 says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch05.bike_map import ROAD, keep_map, morning
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def order() -> Names:
    return page("05-facts-on-a-bus/3-in-what-order").run()


def wrong(order: Names, table: str) -> list[int]:
    """How many bikes are in the wrong place, in each row of a table."""
    return [sum(run["wrong"] for run in runs) for runs in order[table].values()]


def test_two_workers_leave_b7_on_the_road_for_good(order: Names) -> None:
    assert {"B7": ROAD} == order["broken"].result["map"]
    said = [moment.text for moment in order["broken"].moments][-2:]
    assert ["map: S01", f"map: {ROAD}"] == said


def test_partitions_keep_the_order_and_are_about_as_fast(order: Names) -> None:
    one, two, split = wrong(order, "quiet")
    assert 0 == one == split < two
    seconds = [sum(run["seconds"] for run in r) for r in order["quiet"].values()]
    assert max(seconds[1:]) < 0.7 * seconds[0]


def test_a_redelivery_breaks_all_three_and_in_order_none(order: Names) -> None:
    *without, ordered = wrong(order, "refused")
    assert min(without) > 0 == ordered
    assert {"B7": "S01"} == order["again"].result["map"]
    assert any("Gap" == moment.text for moment in order["again"].moments)


def test_in_order_needs_no_partitions_but_more_deliveries(order: Names) -> None:
    glued = order["glued"]
    assert 0 == glued["wrong"]
    assert glued["fleet"] < glued["split"] < glued["shared"]


def test_the_newest_survives_late_reports_refusals_and_a_replay(order: Names) -> None:
    last, newest = order["late"].values()
    assert {"B7": ROAD} == last["map"]
    assert {"B7": "S03"} == newest["map"] == newest["replayed"]
    assert 0 == sum(run["wrong"] for run in order["plain"])
    for seed in range(3):
        how = {"follow": order["SHARED"], "failing": 0.1, "replay": True}
        run = keep_map(order["newest"], morning(seed), seed=seed, **how).result
        assert run["map"] == run["replayed"]
