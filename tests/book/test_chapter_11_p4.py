"""Page 4 of chapter 11 says nothing that its own runs do not bear out."""

import pytest

from movingparts.function import Retry
from movingparts.scenes.ch11.charging import charge_all
from movingparts.scenes.ch11.due import fares
from movingparts.scenes.ch11.retry_storm import PATIENCE, RATE, Storm, storm
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
SEEDS = (2, 3)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("11-code-without-servers/4-once-more").run()


def test_killed_instances_charge_some_riders_twice_and_lose_no_event(
    run: Names,
) -> None:
    for found in (
        run["plain"],
        *(charge_all(run["CHARGE"], seed=seed) for seed in SEEDS),
    ):
        assert (400, []) == (len(found.events), found.lost)
        assert len(found.charges) > 400
        assert len(found.twice) >= 5


def test_about_one_run_in_twenty_is_killed(run: Names) -> None:
    runs = run["plain"].invocations
    assert 0.03 < sum(done.status == "killed" for done in runs) / len(runs) < 0.07


def test_a_global_changes_nothing_since_it_dies_with_its_instance(run: Names) -> None:
    assert run["plain"].charges == run["remembers"].charges


def test_with_the_events_key_nobody_pays_twice_and_everybody_once(run: Names) -> None:
    for found in (
        run["keyed"],
        *(charge_all(run["KEYED"], seed=seed) for seed in SEEDS),
    ):
        assert (400, [], []) == (len(found.charges), found.twice, found.lost)
    killed = [
        [done.id for done in run[name].invocations if done.status == "killed"]
        for name in ("plain", "keyed")
    ]
    assert killed[0] == killed[1]


def test_in_the_figure_two_instances_charge_and_the_first_dies(run: Names) -> None:
    seen = run["tries"](run["plain"], run["ride"])
    calls = [message.source for message in seen.messages if message.target == "bank"]
    assert 2 == len(set(calls)) == len(calls)
    assert [calls[0]] == [moment.nodes[0] for moment in seen.moments]


def test_the_request_id_is_the_same_at_each_retry(run: Names) -> None:
    tried = [done.id for done in run["plain"].invocations]
    assert len(set(tried)) == 400 < len(tried)


def test_a_poison_event_is_tried_three_times_and_holds_nobody_up(run: Names) -> None:
    mended = run["mended"]
    assert ["error", "error", "error", "ok"] == [row[1] for row in run["rows"]]
    assert [run["poisoned"]] == mended.given_up
    assert "KeyError" in mended.letters[0].data["error"]
    assert (400, [], []) == (len(mended.charges), mended.twice, mended.lost)
    began = {done.id: done.began for done in reversed(mended.invocations)}
    assert {event["id"]: at for at, event in fares(400)} == began


def brakes(run: Names, down: int) -> list[Storm]:
    return [*run["ran"][down].values()]


def test_thirty_seconds_would_be_enough_for_all_passes(run: Names) -> None:
    assert 300 / RATE == 30
    assert PATIENCE == 2


def test_three_calls_in_three_runs_drown_the_bank(run: Names) -> None:
    drowned = run["drowned"]
    assert 300 * 7 < len(drowned.calls) <= 300 * 9
    assert len(drowned.done) < 60
    assert len(drowned.done) + len(drowned.given_up) == 300
    assert len(drowned.given_up) > 150  # each has called, and the bank does all calls


def test_each_brake_leaves_fewer_calls_and_renews_more_passes(run: Names) -> None:
    for down in (0, 60):
        found = brakes(run, down)
        calls = [len(each.calls) for each in found]
        done = [len(each.done) for each in found]
        assert calls == sorted(calls, reverse=True)
        assert done == sorted(done)
    assert (300, 300) == (len(brakes(run, 0)[2].done), len(brakes(run, 60)[3].done))


def test_with_the_limit_no_call_is_in_vain_but_the_last_pass_waits(run: Names) -> None:
    jitter, limited = brakes(run, 0)[2:]
    assert 300 == len(limited.calls) == len(limited.answers)
    assert max(limited.done.values()) > max(jitter.done.values())


def test_jitter_and_the_limit_help_under_other_seeds_too(run: Names) -> None:
    renews = run["RENEWS"]
    for seed in SEEDS:
        even = storm(renews, retry=Retry(jitter=False), down=60, seed=seed)
        jitter = storm(renews, down=60, seed=seed)
        limited = storm(renews, down=60, reserved=10, seed=seed)
        assert 2 * len(even.done) < len(jitter.done) < len(limited.done) == 300


def test_without_retries_some_dead_letters_were_charged_and_some_not(
    run: Names,
) -> None:
    assert [] == run["once"].twice == run["once"].lost
    assert 0 < run["glued"]["paid"] < run["glued"]["letters"]


def test_a_retry_is_overtaken_by_later_fares(run: Names) -> None:
    assert run["glued"]["passed"] > 1


def test_the_template_has_our_retries_and_our_limit(run: Names) -> None:
    properties = run["properties"]
    assert 10 == properties["ReservedConcurrentExecutions"]
    retries = properties["EventInvokeConfig"]
    assert 2 == retries["MaximumRetryAttempts"] == Retry().retries
    assert 6 * 3600 == retries["MaximumEventAgeInSeconds"]
