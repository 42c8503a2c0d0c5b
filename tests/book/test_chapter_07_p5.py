"""Page 5 of chapter 07 says nothing that its own runs do not bear out."""

from datetime import timedelta

import pytest

from movingparts.scenes.ch07.following import by_id, known_trips
from movingparts.scenes.ch07.public import CITY, MIDNIGHT, STOPS, log_of_a_day, rides
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("07-two-models/5-a-map-for-everyone").run()


def test_the_view_as_it_is_tells_all_trips_and_adas_to_infirmary_lane(
    run: Names,
) -> None:
    assert list(rides()) == known_trips(run["looks"])
    names = {stop.station_id: stop.name for stop in STOPS}
    trip = by_id(run["looks"])["B0099"][0]
    assert ("Lark Hill", "Infirmary Lane") == (names[trip.start], names[trip.end])


def test_with_rotating_ids_only_trips_of_bikes_alone_are_known(run: Names) -> None:
    found = known_trips(run["public"])
    assert 0 < len(found) < len(list(rides())) / 10
    step = timedelta(minutes=2)
    for ride in found:
        others = [each for each in rides() if each != ride]
        assert not any(
            each.started_at < ride.ended_at - step
            and each.ended_at > ride.started_at + step
            for each in others
        )


def test_schemas_do_not_see_ids_that_last(run: Names) -> None:
    as_is, number, both = run["published"]
    assert ["0", "0"] == [number[1], both[1]]
    assert "0" != as_is[1]
    assert as_is[2] == number[2] != both[2]


def test_the_feed_is_as_of_the_view(run: Names) -> None:
    assert (MIDNIGHT + timedelta(hours=8)).isoformat() == run["status"]["last_updated"]


def test_the_librarys_view_is_ours(run: Names) -> None:
    assert run["own"] == run["theirs"]
    assert 0 < sum(run["own"].values()) <= len(CITY.bikes)


def test_each_event_of_the_day_is_in_order() -> None:
    times = [event.data["at"] for event in log_of_a_day()]
    assert sorted(times) == times
