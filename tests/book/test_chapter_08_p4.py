"""Page 4 of chapter 08 says nothing that its own runs do not bear out."""

from functools import partial

import pytest

from movingparts.scenes.ch08.long import DAY, GAP, one_by_one
from movingparts.scenes.ch08.station import COMMIT, EVENT
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("08-the-log-is-the-truth/4-a-thousand-events-later").run()


def test_riders_queue_after_ten_days_and_not_before(run: Names) -> None:
    assert [100, 1_000, 10_000] == [*run["LENGTHS"]]
    assert (DAY, 10 * DAY) == run["LENGTHS"][1:]
    for events in (100, 1_000):
        assert max(run["whole"][events].took) < 1000 * GAP
    long = run["whole"][10_000].took
    assert long[-1] > 4 * long[0] > 1000 * GAP


def test_from_a_snapshot_the_length_does_not_matter(run: Names) -> None:
    waits = [found.took for found in run["short"].values()]
    assert 3 == len(waits)
    assert waits[0] == waits[1] == waits[2]
    assert max(waits[0]) < 3


def test_without_one_a_closed_day_bounds_what_a_command_reads(run: Names) -> None:
    days = run["days"]
    assert run["whole"][1_000].took == days[1_000].took
    assert max(days[10_000].events) < DAY + 20
    assert max(days[10_000].took) < 1000 * GAP


def test_a_snapshot_costs_as_much_as_a_hundred_events(run: Names) -> None:
    assert COMMIT == pytest.approx(100 * EVENT)
    mean = run["mean"]
    assert mean[100] < mean[1]
    assert {10, 20} == {*sorted(mean, key=mean.get)[:2]}
    assert mean[10] == pytest.approx(mean[20], abs=0.01)


def test_with_fewer_snapshots_single_commands_take_longer(run: Names) -> None:
    most = [max(found.took) for found in run["runs"].values()]
    assert most == sorted(most)
    assert max(most) < 10


def test_it_pays_only_on_streams_that_get_long(run: Names) -> None:
    kept = partial(run["from_a_snapshot"], every=10)
    for count, pays in ((run["pays"], True), (run["pays"] - 1, False)):
        both = [one_by_one(r, range(count)) for r in (run["from_the_start"], kept)]
        plain, saved = [sum(found.took) for found in both]
        assert pays == (saved < plain)


def test_property_changes_are_more_and_tell_no_ride_from_a_truck(run: Names) -> None:
    assert 4 == len(run["ride"])
    assert run["ride"] == run["truck"]
