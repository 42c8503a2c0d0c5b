"""Page 3 of chapter 12 says nothing that its own runs do not bear out."""

import httpx
import pytest

from movingparts.retry import safe_to_repeat
from movingparts.scenes.ch12 import slow_spell as spell
from movingparts.scenes.ch12.half_open import through_ours, through_purgatory
from movingparts.scenes.ch12.slow_spell import slow_spell
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
AFTER = (15, spell.UNTIL)
RECOVER = ("once", "on a budget", "with a breaker")


@pytest.fixture(scope="module")
def run() -> Names:
    return page("12-between-the-parts/3-asking-again").run()


def test_all_are_answered_before_and_nobody_right_after_the_slow_spell(
    run: Names,
) -> None:
    for each in run["runs"].values():
        assert each.result.share(0, spell.BEGINS) > 0.95
        assert each.result.share(spell.BEGINS + 1, spell.ENDS) < 0.2


def test_only_callers_who_retry_without_a_limit_never_come_back(run: Names) -> None:
    shares = {name: each.result.share(*AFTER) for name, each in run["runs"].items()}
    back = [name for name, share in shares.items() if share > 0.95]
    assert [*RECOVER] == back
    assert all(share == 0 for name, share in shares.items() if name not in back)


def test_it_gave_as_many_answers_as_it_could_and_all_were_late(run: Names) -> None:
    found = run["glued"]
    assert 0 == found["in_time"]
    assert found["worked"] > found["riders"]
    # Three requests for each rider, nearly twice what it can do; some began before.
    assert 2.7 < found["sent"] / found["riders"] < 3.1
    assert 1.6 < found["sent"] / (10 * spell.CAPACITY) < 2.0


def test_backoff_takes_away_hardly_any_request(run: Names) -> None:
    hasty, patient = (
        spell.requests(run["runs"][name]) for name in ("three times", "with backoff")
    )
    assert 0.95 * hasty < patient <= hasty


def test_a_budget_adds_a_tenth_and_its_reserve_at_most(run: Names) -> None:
    budget = run["runs"]["on a budget"]
    asked = len(budget.result.asked)
    assert asked < spell.requests(budget) <= 10 + 1.1 * asked


def test_with_a_budget_it_recovers_in_other_runs_too(run: Names) -> None:
    caller = run["CALLERS"]["on a budget"]
    back = [spell.back(slow_spell(caller, seed=seed)) for seed in (1, 2, 3, 4)]
    assert all(second and second < 18 for second in back)


def test_a_budget_is_no_obstacle_where_few_requests_fail(run: Names) -> None:
    once, budget = (float(run["glued"][f"lost_{n}"][:-1]) for n in ("once", "budget"))
    assert once < 95 < 99 <= budget


def test_the_breaker_refuses_most_at_once_and_the_others_when_they_ask_again(
    run: Names,
) -> None:
    errors = run["runs"]["with a breaker"].result.errors
    assert ["CircuitOpen"] == [*errors]
    assert errors.total() / 2 < run["glued"]["refused"] < errors.total()


def test_the_breaker_in_the_figure_goes_through_its_states(run: Names) -> None:
    texts = [moment.text for moment in run["short"].moments]
    probe = ["refused", "half-open"]
    assert ["open", *probe, "open", *probe, "closed"] == texts


def test_with_two_riders_three_tries_are_not_too_many(run: Names) -> None:
    back = {key: spell.back(each) for key, each in run["grid"].items()}
    hasty = run["CALLERS"]["three times"]
    assert back["three times", 2]
    for seed in (1, 2, 3):  # at three riders a second, some seeds have no way back
        assert spell.back(slow_spell(hasty, rate=2, seed=seed))
    never = [key for key, second in back.items() if second is None]
    assert [("three times", rate) for rate in (4, 6, 8)] == never


def test_a_breaker_may_take_longer_than_no_retries(run: Names) -> None:
    found = run["glued"]
    assert found["quiet_once"] < found["quiet_breaker"]
    assert found["back_once"] <= found["back_breaker"] <= found["back_budget"]


def test_three_layers_multiply(run: Names) -> None:
    assert 27 == run["glued"]["layers"]


def test_a_post_that_timed_out_is_not_repeated() -> None:
    late = httpx.ReadTimeout("no answer in time")
    assert (True, False) == (safe_to_repeat("GET", late), safe_to_repeat("POST", late))


def test_staminas_retries_do_not_end_it_either(run: Names) -> None:
    assert 0 == run["of_stamina"].result.share(*AFTER)


def test_a_half_open_breaker_of_purgatory_lets_all_through() -> None:
    assert (1, 10) == (through_ours(10), through_purgatory(10))


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_the_same_under_other_seeds(run: Names, seed: int) -> None:
    callers = run["CALLERS"] | {"with backoff": run["backing_off"]}
    shares = {
        name: slow_spell(caller, seed=seed).result.share(20, spell.UNTIL)
        for name, caller in callers.items()
    }
    assert [*RECOVER] == [name for name, share in shares.items() if share > 0.9]
    assert {0} == {share for name, share in shares.items() if name not in RECOVER}
