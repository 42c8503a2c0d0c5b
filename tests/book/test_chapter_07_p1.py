"""Page 1 of chapter 07 says nothing that its own runs do not bear out."""

import pytest

from movingparts.measure.latency import percentile
from movingparts.scenes.ch07.peak import peak
from movingparts.scenes.ch07.stations import LOAD, ROW, SAVE, STATIONS
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("07-two-models/1-one-model-two-jobs").run()


def waits(run: Names, name: str, who: str = "writes") -> tuple[float, float]:
    """The median and the p99 of who waits, in milliseconds."""
    took = getattr(run[name].result, who).took
    return percentile(took, 50), percentile(took, 99)


def test_one_model_makes_reports_and_maps_wait_for_each_other(run: Names) -> None:
    for who in ("writes", "reads"):
        assert waits(run, "one", who)[0] > 10 * waits(run, "two", who)[0]


def test_the_times_in_the_text_follow_from_the_assumed_ones() -> None:
    assert (2.5, 100, 2) == tuple(
        round(1000 * seconds, 3)
        for seconds in (LOAD + SAVE, len(STATIONS) * LOAD, len(STATIONS) * ROW)
    )


def test_half_the_maps_still_make_some_reports_wait(run: Names) -> None:
    median, tail = waits(run, "half")
    assert median < 10 < 100 < tail


def test_with_two_models_more_maps_change_nothing_for_the_docks(run: Names) -> None:
    assert 1 == len(set(run["apart"].values()))
    assert max(waits(run, "two")) < 10
    together = [*run["together"].values()]
    assert together == sorted(together)


def test_two_reports_wait_for_a_map_in_the_figure(run: Names) -> None:
    took = run["short"].result.writes.took
    assert 2 == sum(wait > 20 for wait in took)


def test_nothing_fails_and_every_event_reaches_the_map(run: Names) -> None:
    two = run["two"].result
    assert (0, 0) == (two.writes.failed, two.reads.failed)
    assert len(two.writes.took) == len(two.lags)
    assert 0 < percentile(two.lags, 50) < 200


def test_reports_wait_for_maps_under_other_seeds_too(run: Names) -> None:
    for seed in (2, 3):
        one = peak({"stations": run["one_model"]}, reads=8, seconds=5, seed=seed)
        two = peak(run["split"], map_at="map", reads=8, seconds=5, seed=seed)
        tails = [percentile(r.result.writes.took, 99) for r in (one, two)]
        assert tails[0] > 10 * tails[1]


def test_both_wait_longer_at_p99_on_real_processes_too(run: Names) -> None:
    """At p50, a report writes its event too, and so takes about as long."""
    rows = [row for row in run["measured"]["rows"] if row["percent"] == 99]
    assert all(row["one"] > 5 * row["two"] for row in rows)
