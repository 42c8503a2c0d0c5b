"""Chapter 05, page 4, says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch05.poison import Rush
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def left() -> Names:
    return page("05-facts-on-a-bus/4-the-message-that-kills-its-consumer").run()


def saved(run: Names, name: str) -> dict[str, int]:
    return {who: len(rides) for who, rides in run[name].result.rows.items()}


def test_without_a_limit_one_ride_makes_the_others_late(left: Names) -> None:
    stuck, calm, safe = (left[name].result for name in ("stuck", "calm", "safe"))
    assert stuck.calls["R012"] > 40
    assert {"billing": 119} == saved(left, "stuck")
    assert stuck.lateness(50) > 5 * calm.lateness(50)
    assert stuck.lateness(50) > 5 * safe.lateness(50)
    assert 2 * safe.lateness(99) < stuck.lateness(99)


def test_five_tries_a_letter_and_the_others_go_on(left: Names) -> None:
    steps = [moment.text for moment in left["few"].moments]
    assert 5 == steps.count("R012 fails")
    assert {"R013 is charged", "R014 is charged"} <= set(steps)
    letter = left["few"].result.letters[0]
    assert (5, "18") == (letter["deliveries"], letter["event"]["data"]["minutes"])
    assert letter["reason"].startswith("TypeError: ")


def test_a_redriven_ride_is_charged_once_and_counted_twice_without_once(
    left: Names,
) -> None:
    assert {"billing": 120, "fleet": 121} == saved(left, "redriven")
    assert {"billing": 120, "fleet": 120} == saved(left, "safe")
    assert 6 == left["safe"].result.calls["R012"]


def test_good_rides_survive_an_outage_if_tries_outlast_it(left: Names) -> None:
    found: list[Rush] = [run.result for run in left["ways"].values()]
    assert len(found[0].letters) > 10
    assert [0, 1] == [len(each.letters) for each in found[1:]]
    assert found[1].calls["R012"] > 20
    assert 1 == found[2].calls["R012"]


def test_two_workers_keep_up_and_one_does_not(left: Names) -> None:
    one, two = left["workers"].values()
    assert one.lateness() > 10 > 2 > two.lateness()
    assert 100 == len(one.late) == len(two.late)
    assert max(one.waiting(at) for at in left["times"]) > 25
