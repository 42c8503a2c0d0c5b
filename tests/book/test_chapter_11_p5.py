"""Page 5 of chapter 11 says nothing that its own runs do not bear out."""

import pytest

from movingparts.core import Constant, Uniform
from movingparts.function import AWS, Bill, Profile
from movingparts.scenes.ch11.fakes import TIMES
from movingparts.scenes.ch11.settling import Settled, rides_end
from movingparts.scenes.ch11.waiting import MAIL, million_rides
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("11-code-without-servers/5-functions-that-wait").run()


def test_half_of_what_is_billed_is_waiting_for_another_function(run: Names) -> None:
    for seed in SEEDS:
        found = rides_end(run["calls"], seed=seed)
        assert 0.45 < found.waiting / found.billed < 0.5


def test_events_send_all_receipts_and_nobody_waits(run: Names) -> None:
    called, published = run["called"], run["published"]
    assert 100 == len(called.waits) == len(published.waits)
    assert (100, 0.0) == (published.asked, published.waiting)
    assert published.billed < 0.55 * called.billed


def test_settle_is_on_the_bill_from_its_call_until_the_receipt(run: Names) -> None:
    below = {done.function: done for done in run["warm"]}
    settle = below.pop("settle")
    assert {"fares", "receipts"} == below.keys()
    assert all(done.parent == settle.id and not done.cold for done in below.values())
    assert settle.took > sum(done.took for done in below.values())


def test_in_a_crowd_some_rides_fail_and_are_tried_again_much_later(run: Names) -> None:
    for seed in SEEDS:
        called = rides_end(run["calls"], at=[0] * 10, limit=10, seed=seed)
        late = [wait for wait in called.waits if wait > 30]
        assert 10 == len(called.waits)
        assert 0 < len(late) == called.count("error", "settle") < 10
        assert max(called.waits) < 65
        assert max(wait for wait in called.waits if wait not in late) < 3


def test_in_a_crowd_events_refuse_nobody(run: Names) -> None:
    for seed in SEEDS:
        found = rides_end(run["events"], at=[0] * 10, limit=10, seed=seed)
        assert (10, 0) == (len(found.waits), found.count("throttled"))
        assert max(found.waits) < 3


def test_in_an_outage_only_events_spare_the_bank(run: Names) -> None:
    for seed in SEEDS:
        called, published, merged = (
            rides_end(run[deploy], mail_down=60, seed=seed)
            for deploy in ("calls", "events", "merged")
        )
        assert [100] * 3 == [len(r.waits) for r in (called, published, merged)]
        assert 100 == published.asked
        assert min(called.asked, merged.asked) > 150
        assert called.asked == tries(called, "settle")


def tries(found: Settled, function: str) -> int:
    return sum(done.function == function for done in found.invocations)


def test_only_the_saga_charges_nobody_who_gets_no_receipt(run: Names) -> None:
    for seed in SEEDS:
        calls, events, saga = (
            rides_end(run[deploy], unknown=1, seed=seed)
            for deploy in ("calls", "events", "saga")
        )
        assert [90] * 3 == [len(each.waits) for each in (calls, events, saga)]
        assert [10, 10, 0] == [each.unsent for each in (calls, events, saga)]
        assert (100, 0.0) == (saga.asked, saga.waiting)
        assert 10 == saga.count("ok", "refunds")
    assert [100, 100] == [run["outage_by"][2].asked, len(run["outage_by"][2].waits)]


def test_the_chart_agrees_with_runs(run: Names) -> None:
    fixed = {
        "fares": Profile(run=TIMES["fares"].run, wait=Constant(1.0)),
        "receipts": Profile(run=TIMES["receipts"].run, wait=Constant(MAIL)),
        "settle": Profile(run=TIMES["settle"].run),
    }
    costs = dict(zip(("calls", "events"), million_rides(1.0, 512), strict=True))
    for deploy, expected in costs.items():
        found = rides_end(run[deploy], times=fixed, at=range(0, 50, 5))
        warm = [done for done in found.invocations if not done.cold]
        rides = len(warm) / (3 if deploy == "calls" else 2)
        assert expected == pytest.approx(Bill.of(warm).cost / rides * 1e6, rel=1e-3)


def test_the_mean_waits_of_the_chart_are_those_of_the_runs() -> None:
    assert Uniform(0.1, 0.3) == TIMES["receipts"].wait
    assert MAIL == pytest.approx((0.1 + 0.3) / 2)


def test_the_view_is_right_only_if_it_remembers_the_ids(run: Names) -> None:
    for each in run["views"]:
        assert each.charged == run["called"].charged
        assert each.count("killed", "revenue") > 10
    counts_all, saves_ids = run["views"]
    assert counts_all.revenue > counts_all.charged
    assert saves_ids.revenue == saves_ids.charged


def test_merged_functions_start_cold_once_and_pay_one_request(run: Names) -> None:
    two, one = run["cold"]
    assert one < 0.7 * two
    apart, merged = run["short"]
    assert merged < 0.6 * apart
    assert 1e6 * AWS.per_request > 0.9 * merged
