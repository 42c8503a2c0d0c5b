"""Page 6 of chapter 12 says nothing that its own runs do not bear out."""

from __future__ import annotations

import ast
import asyncio
import inspect

import pytest

from movingparts.control_plane import Policy
from movingparts.scenes.ch12.beside import COPIES, SLOW
from movingparts.scenes.ch12.beside_faults import dies
from movingparts.scenes.ch12.beside_runs import Seen, changed, good, peak
from tests.book.chapters import Names, page

PAGE = page("12-between-the-parts/6-a-proxy-beside-each")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return PAGE.run()


@pytest.fixture(scope="module")
def real(run: Names) -> Names:
    """What the cells that need processes leave."""
    names = {**run}
    with asyncio.Runner() as runner:
        for cell in PAGE.cells:
            if cell.local:
                flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
                left = eval(compile(cell.source, PAGE.name, "exec", flags), names)
                if inspect.iscoroutine(left):
                    runner.run(left)
    return names


def unanswered(seen: Seen) -> int:
    return sum(len(each.asked) - each.answered for each in seen.riders.values())


def worst(seen: Seen) -> float:
    return max(each.at(99) for each in seen.riders.values())


def test_each_team_s_own_way_shows_in_what_its_riders_see(run: Names) -> None:
    seen = run["alone"].riders
    assert 2000 == SLOW.seconds * 1000 <= seen["map"].at(99)
    assert len(seen["kiosk"].asked) > 1.3 * seen["kiosk"].answered
    assert 100 > seen["kiosk"].at(99)


def test_behind_sidecars_all_are_answered_and_no_rider_waits_a_second(
    run: Names,
) -> None:
    assert 0 == unanswered(run["meshed"]) < unanswered(run["alone"])
    assert worst(run["meshed"]) < 500 < 2000 <= worst(run["alone"])


@pytest.mark.parametrize("seed", [2, 3])
def test_it_is_so_under_other_seeds(run: Names, seed: int) -> None:
    alone = peak(run["TEAMS"], seed=seed).result
    meshed = peak(run["TEAMS"], run["policy"], seed=seed).result
    assert unanswered(meshed) <= 1 < unanswered(alone)
    assert worst(meshed) < 800 < 2000 <= worst(alone)


def test_the_new_policy_works_within_a_second_or_so(run: Names) -> None:
    for (ms, _), seen in run["runs"].items():
        before = [percent for second, percent in good(seen) if second < 4]
        assert max(before) < 80
        if ms == 300:
            after = [percent for second, percent in good(seen, within=60)][4:]
            assert min(after) >= 50


def test_one_attempt_loses_riders_and_two_lose_none(run: Names) -> None:
    lost = {key: len(r.asked) - r.answered for key, r in run["runs"].items()}
    assert (0, 0) == (lost[300, 2], lost[1000, 2])
    assert min(lost[300, 1], lost[1000, 1]) > 0
    for seed in (2, 3):
        riders = changed(run["turns"](5), run["turns"](0.3, 2), seed=seed).result
        assert len(riders.asked) - riders.answered <= 1


def test_a_timeout_that_is_too_short_hits_good_copies(run: Names) -> None:
    lost = {key: len(r.asked) - r.answered for key, r in run["runs"].items()}
    assert lost[30, 1] > lost[300, 1]
    assert lost[30, 2] > 0


def test_with_a_second_the_breaker_takes_longer_to_leave_the_copy_out(
    run: Names,
) -> None:
    in_time = {ms: dict(good(run["runs"][ms, 2])) for ms in (300, 1000)}
    assert in_time[1000][4] < 90 < in_time[300][4]
    assert 100 == in_time[1000][7]


def test_a_policy_that_cannot_be_read_changes_nothing(run: Names) -> None:
    table = run["proposed"]({"seconds": 0.3, "atempts": 2}, run["policy"])
    assert [("422", "body.atempts", "yes")] == table.rows


def test_loops_in_loops_multiply(run: Names) -> None:
    asks, policy = run["asks"], run["policy"]
    found = [run["requests"](asks(None, n), policy) for n in (1, 2, 3)]
    assert [2, 4, 6] == found


def test_only_the_sidecar_of_the_only_copy_costs_answers(run: Names) -> None:
    found = {name: seen.answered for name, seen in run["killed"].items()}
    asked = {len(seen.asked) for seen in run["killed"].values()}
    assert 1 == len(asked)
    of = asked.pop()
    expected = {"control-plane": of, "availability-1-sidecar": of, "map-sidecar": 0}
    assert expected == found


@pytest.mark.parametrize("seed", [2, 3])
def test_a_dead_sidecar_of_one_copy_costs_nothing_under_other_seeds(seed: int) -> None:
    for name in (f"{COPIES[0]}-sidecar", COPIES[0], "control-plane"):
        seen = dies(name, Policy(seconds=0.3, attempts=2), seed=seed).result
        assert len(seen.asked) == seen.answered


def test_a_new_sidecar_lets_nobody_in_until_it_knows_who_may_call(run: Names) -> None:
    (_, away), (_, back) = run["newcomer"](run["policy"]).result
    assert "503 this sidecar has no configuration yet" == away
    assert "200" == back


def test_on_real_processes_a_service_in_javascript_has_it_all(real: Names) -> None:
    expected = {
        "all run": "20 of 20",
        "only map may call": "0 of 20",
        "no control plane": "20 of 20",
        "no sidecar of weather": "0 of 20",
        "weather, asked directly": "20 of 20",
    }
    assert expected == real["seen"]


def test_ours_cost_more_than_envoys_and_a_library_the_least(run: Names) -> None:
    p50 = {name: took["p50"] for name, took in run["times"].items()}
    assert p50["no sidecars"] < p50["Envoys"] < p50["our sidecars"]
    assert p50["a library"] < p50["our sidecars"]
