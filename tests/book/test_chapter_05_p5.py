"""What page 5 of chapter 05 says of its runs."""

from typing import Any

import pytest

from tests.book.chapters import page

NEVER_PUBLISHED, NEVER_HEARD = (
    "heard, but never published",
    "published, but never heard",
)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return page("05-facts-on-a-bus/5-who-knows-the-whole-flow").run()


def counts(run: Any) -> dict[str, str]:
    return dict(run.result.rows)


def test_a_typo_leaves_twelve_rides_uncharged_and_no_error(names: Any) -> None:
    assert "12" == counts(names["broken"])["rides ended"]
    assert "0" == counts(names["broken"])["rides charged"]
    assert "0" == counts(names["broken"])["errors logged"]
    assert {"delivered"} == {each.fate for each in names["broken"].messages}
    assert "12" == counts(names["fixed"])["rides charged"]


def test_only_the_list_of_what_is_never_published_shows_it(names: Any) -> None:
    today, then = names["today"], names["then"]
    assert [] == today[NEVER_PUBLISHED]
    assert ["rides.ended"] == then[NEVER_PUBLISHED]
    assert today[NEVER_HEARD] == then[NEVER_HEARD]
    with pytest.raises(ValueError, match="nobody publishes rides.ended"):
        names["release"](names["RELEASE"])


def test_calls_are_left_only_where_a_rider_waits_for_a_bike(names: Any) -> None:
    calls = {c.name: {*c.calls} for c in names["city"].values() if c.calls}
    assert {
        "rides": {"availability", "billing", "stations"},
        "stations": {"docklink"},
    } == calls


def test_what_holds_for_one_docked_bike_is_in_one_trace(names: Any) -> None:
    flow = names["first_ride"](names["fixed"])
    events = {each.label for each in flow.messages if each.kind == "event"}
    assert {"BikeDocked", "RideEnded", "FareCharged"} == events
