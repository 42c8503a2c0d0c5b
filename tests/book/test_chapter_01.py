"""Chapter 01 says nothing that its own runs do not show."""

import pytest

from tests.book.chapters import Names
from tests.book.chapters import page as page_of

CHAPTER = page_of("01-one-ride-two-services/index")
TEXT = CHAPTER.text


@pytest.fixture(scope="module")
def page() -> Names:
    """What the page's cells leave behind, but for those that need sockets."""
    return CHAPTER.run()


def test_two_cells_show_it_on_sockets() -> None:
    assert 2 == len([cell for cell in CHAPTER.cells if cell.local])


@pytest.mark.slow
def test_one_lost_reply_charges_twice_and_nothing_else_was_lost(page: Names) -> None:
    status, receipt, charges = page["lost_reply"].result
    assert (201, {"ride_id": "ride-1", "cents": 280}) == (status, receipt)
    assert 2 == len(charges)
    lost = [m.kind for m in page["lost_reply"].messages if m.fate == "lost"]
    assert ["reply"] == lost


@pytest.mark.slow
def test_three_failures_look_the_same_and_are_not(page: Names) -> None:
    seen = {run.result[0] for run in page["runs"].values()}
    truths = [run.result[1] for run in page["runs"].values()]
    assert (1, [0, 1, 1]) == (len(seen), truths)


@pytest.mark.slow
def test_the_slow_service_charges_after_its_caller_gave_up(page: Names) -> None:
    spans = page["runs"]["slow service"].spans
    [caller] = [span for span in spans if span.kind == "client"]
    [callee] = [span for span in spans if span.kind == "server"]
    assert caller.end_us < callee.end_us


@pytest.mark.slow
def test_ten_in_a_row_take_more_than_ten_times_the_median(page: Names) -> None:
    lines = page["hops"]
    assert lines["p50"][-1][1] > 10 * lines["p50"][0][1]
    assert lines["p99"][-1][1] < 10 * lines["p99"][0][1]
    for line in lines.values():
        assert sorted(line) == line
        assert line[-1][1] == max(y for _, y in line)


@pytest.mark.slow
def test_the_share_of_slow_pages_is_the_one_derived(page: Names) -> None:
    for n, times in enumerate(page["slowest"], start=1):
        over = sum(time > page["p99"] for time in times) / len(times)
        assert over == pytest.approx(1 - 0.99**n, abs=0.05)
    assert 18 == round(100 * (1 - 0.99**20))
    assert ":answer: 18" in TEXT
    assert 1 - 0.99 ** page["glued"]["half_at"] >= 0.5


@pytest.mark.slow
def test_a_chain_fails_about_as_many_calls_as_derived(page: Names) -> None:
    for percent, chains in page["failed"].items():
        for n, calls in enumerate(chains, start=1):
            derived = 1 - (1 - percent / 100) ** (2 * n)
            assert sum(calls) / len(calls) == pytest.approx(derived, abs=0.08)
    # The text speaks of the setting that the page shows first.
    start = page["rate"].text(page["rate"].start)
    assert f"At {start} lost, {{glue:text}}`one_fails" in TEXT


@pytest.mark.slow
def test_no_ride_fails_while_pricing_is_replaced(page: Names) -> None:
    outcomes, cents = page["split_deploy"].result
    assert ({"201": 60}, {280, 240}) == (dict(outcomes), set(cents))
    assert 60 == sum(cents.values())
    outcomes, _ = page["whole_deploy"].result
    assert {"201", "ConnectError"} == set(outcomes)


@pytest.mark.slow
def test_each_copy_of_pricing_shortens_the_tail_and_rides_needs_none(
    page: Names,
) -> None:
    quote, look = page["quote"], page["look"]
    assert quote[1].p99 > 4 * quote[2].p99 > 4 * quote[3].p99
    assert 1 == len({look[n] for n in (1, 2, 3)})
    names = [node.name for node in page["scaled"][3].nodes]
    assert ["rides"] == [name for name in names if name.startswith("rides")]


@pytest.mark.slow
def test_only_the_two_services_charge_twice_in_a_lossy_morning(page: Names) -> None:
    glued = page["glued"]
    assert 0 == glued["overcharged_one"]
    assert glued["overcharged"] > 0
    assert sum(page["one"].result.values()) == glued["rides_in_all"]


@pytest.mark.slow
def test_a_request_takes_thousands_of_times_as_long_as_a_call(page: Names) -> None:
    assert page["glued"]["ratio"] > 1000
