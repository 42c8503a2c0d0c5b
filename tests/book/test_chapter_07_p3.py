"""Page 3 of chapter 07 says nothing that its own runs do not bear out."""

import pytest

from movingparts.draw import percentiles
from movingparts.scenes.ch07.looking import Sessions, one_rider, riders
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("07-two-models/3-how-old-is-the-answer").run()


def wrong(found: Sessions) -> tuple[int, int]:
    """How many riders don't see their bike at first, and how many lose it again."""
    not_there = sum(each.not_there for each in found.all)
    return not_there, sum(each.gone_again for each in found.all)


def test_two_screens_do_not_show_the_bike_until_the_map_waits(run: Names) -> None:
    assert [0, 0, 1, 1] == run["old"].result
    assert [1, 1, 1, 1] == run["waited"].result


def test_half_the_interval_halves_the_lag_and_hardly_the_old_answers(
    run: Names,
) -> None:
    slow, fast = run["measured"][200], run["measured"][100]
    assert 0.4 < percentiles(fast, 50)[0] / percentiles(slow, 50)[0] < 0.6
    late = [sum(lag > 20 for lag in lags) / len(lags) for lags in (slow, fast)]
    assert 0.7 * late[0] < late[1] < late[0]
    assert len(fast) / 2 < sum(lag > 20 for lag in fast)


def test_what_the_command_returns_is_gone_on_the_next_screen(run: Names) -> None:
    services = {"stations": run["with_result"], "map": run["queries"]}
    assert [1, 0] == one_rider(run["show_the_result"], services).result[:2]


def test_a_map_that_can_not_catch_up_says_so(run: Names) -> None:
    cut = {name: run["cut_off"](way) for name, way in run["WAYS"].items()}
    assert ["an old map", "her bike", "no map", "an old map"] == [*cut.values()]
    services = {"stations": run["with_result"], "map": run["waits"]}
    assert [None] * 4 == one_rider(run["wait_for_it"], services, cut=True).result


def test_each_way_keeps_its_promise_and_no_other(run: Names) -> None:
    found = {name: wrong(each) for name, each in run["found"].items()}
    assert (0, 0) == found["wait for it"]
    assert min(found["just ask"]) > 0
    assert (0, True) == (found["return it"][0], found["return it"][1] > 0)
    assert (True, 0) == (found["stay with one"][0] > 0, found["stay with one"][1])


def test_the_fixed_app_is_right_under_another_seed_too(run: Names) -> None:
    again = riders(run["wait_for_it"], run["two"], count=10, seed=2)
    assert (0, 0) == wrong(again.result)
