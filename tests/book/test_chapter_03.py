"""Chapter 03 says nothing that its own runs do not bear out."""

import asyncio

import pytest

from movingparts.measure.contention import Load, contend
from movingparts.scenes.ch03.race import PAIRS
from tests.book.chapters import Names
from tests.book.chapters import page as page_of

pytestmark = pytest.mark.slow


def left(name: str) -> Names:
    """What the cells of a page leave behind."""
    return page_of(f"03-rules-inside/{name}").run()


# --- two riders, one bike -------------------------------------------------------------


@pytest.fixture(scope="module")
def race() -> Names:
    return left("1-two-riders-one-bike")


def steps(run: Names, name: str) -> list[str]:
    return [each.text for each in run[name].moments if each.nodes == ("availability",)]


def test_both_look_before_either_saves(race: Names) -> None:
    assert {"ada": "B7", "bob": "B7"} == race["twice"].result
    words = [step.split()[1] for step in steps(race, "twice")]
    assert ["reads", "reads", "saves", "saves"] == words


def test_one_mended_handler_is_broken_by_the_other(race: Names) -> None:
    assert list(PAIRS) == list(race["before"]) == list(race["half"])
    assert min(race["before"].values()) > 0
    assert ["two reservations"] == [p for p, n in race["half"].items() if not n]


def test_saved_if_unchanged_no_pair_gets_a_bike_twice(race: Names) -> None:
    assert dict.fromkeys(PAIRS, 0) == race["after"]
    assert {"ada": "B7", "bob": "refused"} == race["kept"].result
    assert ["ada saves S01", "bob is too late"] == steps(race, "kept")[-2:]


# --- the rule moves in ----------------------------------------------------------------


@pytest.fixture(scope="module")
def rule() -> Names:
    return left("2-the-rule-moves-in")


def test_the_swap_gives_away_what_is_promised_and_the_stand_does_not(
    rule: Names,
) -> None:
    assert {"ada": "B7", "cleo": "B7"} == rule["taken"].result
    assert {"ada": "B7", "cleo": "refused"} == rule["kept"].result
    assert not any("too late" in step for step in steps(rule, "taken"))
    assert "0 of 6" != rule["given_twice"](rule["old"], rule["beside"])
    assert "0 of 6" == rule["given_twice"](rule["new"], rule["within"])


def test_floats_drift_and_money_does_not(rule: Names) -> None:
    assert rule["total"] != rule["cents"] / 100
    assert rule["exact"] == rule["Money"].cents(rule["cents"])


# --- two kinds of no ------------------------------------------------------------------


@pytest.fixture(scope="module")
def reports() -> Names:
    return left("3-two-kinds-of-no")


def test_a_refused_report_sends_eve_to_an_empty_dock(reports: Names) -> None:
    assert "ok" == reports["refused"].result["Eve unlocks"]
    believed = reports["believed"].result
    assert ("ok", "B7 is not at S01") == tuple(believed.values())
    assert ["BikeDocked", "AnomalyFound"] == [
        type(event).__name__ for event in reports["log"]
    ]
    assert {"B7": "S02"} == reports["where"] == reports["again"]


def test_refusing_reports_leaves_about_half_in_a_wrong_place(reports: Names) -> None:
    glued = reports["glued"]
    assert glued["bikes"] / 3 < glued["refuses_from"]
    assert glued["believes_to"] < glued["bikes"] / 5


# --- read, decide, commit -------------------------------------------------------------


@pytest.fixture(scope="module")
def commit() -> Names:
    return left("4-read-decide-commit")


def test_by_hand_the_bike_vanishes_and_in_one_commit_it_arrives(commit: Names) -> None:
    found = [run.result["audit"] for run in commit["runs"]]
    assert 3 <= found.count("nowhere") <= 7
    assert {"S02"} == {run.result["audit"] for run in commit["whole"]}
    after = steps({"run": commit["whole"][commit["at"]]}, "run")
    assert ["truck is too late", "truck saves S01 and S02"] == after[-2:]


def test_only_what_is_written_is_checked(commit: Names) -> None:
    with asyncio.Runner() as runner:
        for reserve, promises in (("look_only", [1, 1]), ("with_promise", [1, 0])):
            assert promises == runner.run(commit["two_phones"](commit[reserve]))
        # One after the other, the second sees the promise and is refused.
        store = runner.run(commit["city"]())
        for where in ("S01", "S02"):
            work = store.begin()
            act = commit["look_only"](work, where)
            if where == "S02":
                with pytest.raises(commit["Refused"], match="Ada has a promise"):
                    runner.run(act)
            else:
                runner.run(act)
                runner.run(work.commit())


# --- how large ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large() -> Names:
    return left("5-how-large")


def test_six_at_once_take_the_attempts_that_were_derived(large: Names) -> None:
    for n in (1, 2, 3, 6, 10):
        found = contend(Load(actors=n, per_second=None), seed=large["SEED"])
        assert (n * (n + 1) // 2, n) == (found.attempts, len(found.waited))
    late = [step for step in steps(large, "three") if "too late" in step]
    assert 3 == len(late)


def test_the_larger_the_aggregate_the_later_its_commits(large: Names) -> None:
    glued = {name: float(value) for name, value in large["glued"].items()}
    assert glued["city_from"] > 90
    assert glued["lost_from"] > 50
    assert 10 < glued["stand_from"] < glued["stand_to"] < 30
    assert glued["bike_to"] < 3
    assert glued["quick_to"] < 15
    assert 0 == glued["quick_lost"]
    assert glued["stand_derived"] < glued["stand_from"]
    assert glued["quiet_to"] < 15
    for size in ("stand", "bike"):
        assert all(not found.gave_up for found in large["many"][size])
