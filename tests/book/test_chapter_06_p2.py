"""Page 2 of chapter 06 says nothing that its own runs do not bear out."""

from itertools import pairwise

import pytest

from movingparts.core import Recording
from movingparts.scenes.ch06.everywhere import by_calls, four_calls
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("06-promises-across-services/2-start-a-ride-in-four-steps").run()


def left(recording: Recording) -> dict[str, int]:
    rows = recording.result.rows
    return {table: len(found) for table, found in rows.items() if found}


def test_four_calls_leave_a_bike_and_money_held(run: Names) -> None:
    assert {"reservations": 1, "holds": 1} == left(run["lost"])


def test_the_bench_counts_the_calls_that_the_page_shows(run: Names) -> None:
    counted = by_calls(four_calls, run["trouble"], riders=["ada"])
    assert counted.result == run["lost"].result


def test_the_same_crash_and_the_saga_goes_on(run: Names) -> None:
    assert {"rides": 1, "charges": 1} == left(run["again"])


def test_with_new_keys_money_is_still_held(run: Names) -> None:
    again = run["by_saga"](run["new_keys"], run["trouble"], riders=["ada"])
    assert {"rides": 1, "charges": 1, "holds": 1} == left(again)


def test_wherever_rides_dies_it_goes_on_with_the_step_it_was_at(run: Names) -> None:
    found = {where: run["finding"](saga) for where, saga in run["ran"].items()}
    before, after, out = run["WHEN"]
    steps = [*run["COMMITS"]]
    for step, following in pairwise(steps[:3]):
        assert found[step, before].endswith(f"for {step} again")
        assert found[step, after].endswith(f"for {following}")
        assert found[step, out].endswith(f"for {following} again")
    assert found["start", before].endswith("nobody has to be asked again")
    assert all(left(saga) == {"rides": 1, "charges": 1} for saga in run["ran"].values())


def test_a_thousand_runs_broke_no_promise_and_the_others_did(run: Names) -> None:
    broken = {(row["way"], bool(row["broken"])) for row in run["counted"]}
    ways = {("four calls", True), ("saga, new keys", True), ("saga", False)}
    assert ways == broken
    assert sum(row["runs"] for row in run["mine"]) >= 1_000
    assert (6, {}) == (run["few"].runs, run["few"].broken)
