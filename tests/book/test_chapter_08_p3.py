"""Page 3 of chapter 08 says nothing that its own runs do not bear out."""

import asyncio

import pytest

from movingparts.scenes.ch08.past import CITY, TIMES, utc
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("08-the-log-is-the-truth/3-where-was-every-bike").run()


def empty(run: Names, clock: str) -> list[str]:
    """Return what kind each station is that had no bike then."""
    found = run["places"](utc(clock))
    return [each.kind for each in CITY.stations if not found[each.station_id]]


def test_the_table_knows_of_bikes_and_the_log_of_none_at_that_time(run: Names) -> None:
    assert run["db"].execute(run["here"]).fetchone() > (0,)
    assert 0 == run["places"](utc("08:17"))["S12"]


def test_no_bike_is_lost_at_any_time(run: Names) -> None:
    assert {len(CITY.bikes)} == {run["places"](utc(t)).total() for t in TIMES}


def test_a_fold_to_the_end_is_what_the_table_has(run: Names) -> None:
    rows = run["db"].execute("SELECT station, count(*) FROM bikes GROUP BY station")
    assert dict(rows.fetchall()) == run["places"]("9999")


def test_the_edge_is_empty_in_the_morning_and_the_center_in_the_evening(
    run: Names,
) -> None:
    assert {"residential"} == {*empty(run, "08:17")}
    assert "residential" not in empty(run, "17:47")
    assert "center" in empty(run, "17:47")


def test_the_map_starts_at_the_time_that_bob_asks_about(run: Names) -> None:
    shown = run["city_at"]("08:17")
    assert shown.title.startswith("At 08:17, 11 of 24 ")
    assert "Upper Wend" in shown.description


def test_the_new_tariff_makes_some_rides_dearer_and_brings_less(run: Names) -> None:
    old, new = run["cost"](), run["cost"](unlock=0, minute=20)
    assert ("0%", True) == (old[1], new[1] != "0%")


def test_the_sender_mails_each_receipt_once_through_a_crash_and_a_rebuild(
    run: Names,
) -> None:
    rides = sum(event.type == "FareCharged" for event in run["events"])
    assert (rides, 1) == (run["mail"].sent, run["mail"].dropped)


async def twice(run: Names) -> int:
    mail = run["Mail"]()
    for _ in range(2):
        await run["view_of"](run["move_and_mail"](mail))
    return int(mail.sent)


def test_the_projection_mails_each_twice(run: Names) -> None:
    rides = sum(event.type == "FareCharged" for event in run["events"])
    assert 2 * rides == asyncio.run(twice(run))
