"""Page 2 of chapter 08 says nothing that its own runs do not bear out."""

import pytest

from movingparts.scenes.ch08.race import race
from movingparts.scenes.ch08.serial import two_writers
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("08-the-log-is-the-truth/2-fifty-writers-one-winner").run()


def test_many_ride_free_until_the_log_checks(run: Names) -> None:
    before, now = run["first"].result, run["then"].result
    assert before.outcomes["rides free"] > 1
    assert 0 == before.refused
    assert {"rides free": 1, "too late": 49} == now.outcomes
    assert (50, 49) == (now.sent, now.refused)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_one_rides_free_under_other_seeds_too(run: Names, seed: int) -> None:
    before = race(run["claim"], 8, seed=seed).result.outcomes
    assert before["rides free"] > 1
    assert {"rides free": 1, "too late": 7} == race(
        run["claim_once"], 8, seed=seed
    ).result.outcomes


def test_two_copies_both_see_an_unused_code(run: Names) -> None:
    assert {"rides free": 2} == race(run["claim"], 2).result.outcomes
    two = race(run["claim_once"], 2).result
    assert ({"rides free": 1, "too late": 1}, 1) == (two.outcomes, two.refused)


def test_an_old_decision_under_a_new_version_is_two_free_rides(run: Names) -> None:
    async def expects_the_new_version(log, event):  # type: ignore[no-untyped-def]  # as on the page
        seen = await log.read(run["CODE"])
        try:
            await log.append(run["CODE"], [event], expected_version=len(seen))
        except run["ConcurrencyConflict"] as error:
            await log.append(run["CODE"], [event], expected_version=error.actual)
        return "rides free"

    assert {"rides free": 2} == race(expects_the_new_version, 2).result.outcomes


def test_the_view_never_gets_the_event_that_was_committed_late(run: Names) -> None:
    assert ["BikesMoved", "RideStarted"] == run["lost"].result.in_log
    assert ["RideStarted"] == run["lost"].result.in_view
    kept = two_writers(run["append_in_turn"]).result
    assert ["BikesMoved", "RideStarted"] == kept.in_view
    assert kept.took["rides"] > 10 * run["lost"].result.took["rides"]
    assert kept.took["trucks"] == run["lost"].result.took["trucks"]


def test_a_group_shares_one_commit(run: Names) -> None:
    commits = run["commits"]
    assert [(n, 1) for n in (1, 10, 50)] == [
        (commits(n, group=False), commits(n, group=True)) for n in (1, 10, 50)
    ]


def test_writers_who_all_must_get_in_send_more_than_their_events(run: Names) -> None:
    insisted = race(run["insist"], 10).result
    assert {None: 10} == insisted.outcomes
    assert insisted.sent > 2 * 10
