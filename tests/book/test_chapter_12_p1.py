"""Page 1 of chapter 12 says nothing that its own runs do not bear out."""

from math import exp, log

import pytest

from movingparts.balancer import least_requests, two_choices
from movingparts.scenes.ch12.copies import WORK
from movingparts.scenes.ch12.rush import Rush, Way, rush, slow
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
SEEDS = (2, 3)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("12-between-the-parts/1-one-slow-copy").run()


def p99(pick: Way, seed: int, times: float = 1, **knobs: float) -> float:
    found: Rush = rush(pick, slow(times), seed=seed, **knobs).result  # type: ignore[arg-type]  # counts, and a rate
    return found.at(99)


def test_one_slow_copy_changes_the_p99_and_hardly_the_median(run: Names) -> None:
    equal, unlucky = run["equal"].result, run["unlucky"].result
    assert unlucky.at(50) < 2 * equal.at(50)
    assert unlucky.at(99) > 100 * equal.at(99)
    assert [3, 0.020] == [len(unlucky.copies), WORK.median]


def test_the_slow_copy_gets_more_than_it_can_answer_also_as_one_of_six() -> None:
    mean = 10 * WORK.median * exp((log(WORK.p99 / WORK.median) / 2.326) ** 2 / 2)
    assert 4 < 1 / mean < 5 < 40 / 6 < 7 < 13 < 40 / 3 < 14


def test_six_copies_still_make_riders_wait_for_seconds(run: Names) -> None:
    assert 2_000 < run["six"].result.at(99) < run["unlucky"].result.at(99) / 2
    for seed in SEEDS:
        assert p99(run["in_turn"], seed, 10, copies=6) > 2_000


def test_counting_requests_ends_the_line_but_not_the_slow_answers(run: Names) -> None:
    least = run["least"].result
    assert 2 >= least.most < 70 < run["unlucky"].result.most
    assert 0.05 < least.last_share < 0.2
    for seed in SEEDS:
        least_99, in_turn_99 = (
            p99(pick, seed, 10) for pick in (least_requests, run["in_turn"])
        )
        assert 200 < least_99 < 1_000 < 10_000 < in_turn_99


def test_round_robin_holds_until_the_slow_copy_cannot_keep_up(run: Names) -> None:
    tail = [run["slowed"]["round robin", n].result.at(99) for n in run["TIMES"]]
    assert tail[0] < tail[1] < 150 < 1_000 < tail[2] < tail[3]


def test_two_counts_help_nearly_as_much_as_all_of_them(run: Names) -> None:
    slowed, times = run["slowed"], run["TIMES"]
    for n in times:
        least, two = (slowed[w, n].result.at(99) for w in [*run["ways"]][1:])
        assert two < 2 * least
    for seed in SEEDS:
        assert p99(two_choices, seed, 10) < 2 * p99(least_requests, seed, 10)


def test_old_counts_make_a_herd_and_two_choices_less_of_one(run: Names) -> None:
    tail = {key: found.result.at(99) for key, found in run["aged"].items()}
    for way in ("least requests", "two choices"):
        fresh = run["own"][way].result.at(99)
        assert fresh < tail[way, 0.1] < tail[way, 0.3] < tail[way, 1]
    for age in run["EVERY"]:
        assert tail["least requests", age] > tail["two choices", age]
    for seed in SEEDS:
        busy = run["busy"] | {"reports": 1, "seed": seed}
        least, two = (p99(w, **busy) for w in (least_requests, two_choices))
        assert least > 1.5 * two


def test_with_a_slow_copy_old_counts_hurt_two_choices_as_well(run: Names) -> None:
    assert run["sick"].result.at(99) > 2 * run["well"].result.at(99)
    for seed in SEEDS:
        own = p99(two_choices, seed, 10, gateways=3)
        assert p99(two_choices, seed, 10, gateways=3, reports=1) > 1.5 * own


def test_with_equal_copies_there_is_little_to_gain(run: Names) -> None:
    tail = [run["slowed"][way, 1].result.at(99) for way in run["ways"]]
    assert max(tail) < 1.3 * min(tail)


def test_a_copy_that_fails_fast_gets_more_riders_from_those_who_count(
    run: Names,
) -> None:
    in_turn, least, two = (
        rush(pick, run["broken"](), rate=80, seconds=4, seed=2).result.failed
        for pick in (run["in_turn"], least_requests, two_choices)
    )
    assert 0.32 < in_turn < 0.35 < 0.4 < two < least
