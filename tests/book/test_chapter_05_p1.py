"""Chapter 05's first page says nothing that its own runs do not bear out."""

import pytest

from tests.book.chapters import Names
from tests.book.chapters import page as page_of

pytestmark = pytest.mark.slow
ALL = ["rides", "billing", "fleet", "availability"]


@pytest.fixture(scope="module")
def ending() -> Names:
    return page_of("05-facts-on-a-bus/1-a-ride-that-cannot-end").run()


def test_bob_is_charged_and_his_ride_has_not_ended(ending: Names) -> None:
    assert {"dock": "error", "done by": ["billing"]} == ending["broken"].result
    assert {"dock": "ok", "done by": ALL} == ending["fixed"].result
    assert "fleet starts again" == ending["broken"].moments[-1].text


def test_whoever_is_down_the_ride_ends_by_event_and_not_by_calls(ending: Names) -> None:
    evenings = [row[1:] for row in ending["rows"][:3]]
    assert {("error", "ok")} == {
        (c.split(",")[0], e.split(",")[0]) for c, e in evenings
    }
    assert {"ok, 4 of 4 done"} == {e for _, e in evenings}
    assert min(map(min, ending["calls"])) > 0
    assert {0} == {*ending["event"][0], *ending["event"][1]}


def test_ids_alone_tie_the_others_to_rides_again(ending: Names) -> None:
    short, whole = ending["short"], ending["whole"]
    assert {"dock": "ok", "done by": ["rides"]} == short.result
    assert {"dock": "ok", "done by": ALL} == whole.result
    asked = [span for span in short.spans if span.peer == "rides" and span.node in ALL]
    assert 15 == len([span for span in asked if span.kind == "client"])
    assert max(span.end_us for span in asked if span.kind == "client") < 2_000_000
