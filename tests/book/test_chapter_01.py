"""Chapter 01 says nothing that its own runs do not show."""

import pytest

from tests.book.chapters import page

NAME = "01-one-ride-two-services"
REPLY = page(f"{NAME}/1-one-lost-reply")
COST = page(f"{NAME}/2-what-a-call-costs")
BUYS = page(f"{NAME}/3-what-splitting-buys")
CHOICE = page(f"{NAME}/4-one-service-or-two")

pytestmark = pytest.mark.slow


def test_one_lost_reply_charges_twice_and_nothing_else_was_lost() -> None:
    run = REPLY.run()["lost_reply"]
    assert ({"ride_id": "ride-1", "cents": 280}, [("ride-1", 280)] * 2) == run.result
    assert ["reply"] == [m.kind for m in run.messages if m.fate == "lost"]


def test_with_an_id_the_same_lost_reply_charges_once() -> None:
    run = REPLY.run()["again"]
    assert ({"ride_id": "ride-1", "cents": 280}, [("ride-1", 280)]) == run.result
    assert ["reply"] == [m.kind for m in run.messages if m.fate == "lost"]


def test_three_failures_look_the_same_and_are_not() -> None:
    runs = REPLY.run()["runs"].values()
    assert {"ReadTimeout"} == {run.result[0] for run in runs}
    assert [0, 1, 1] == [run.result[1] for run in runs]


def test_the_slow_service_charges_after_its_caller_gave_up() -> None:
    spans = REPLY.run()["slow"].spans
    [caller] = [span for span in spans if span.kind == "client"]
    [callee] = [span for span in spans if span.kind == "server"]
    assert caller.end_us < callee.end_us


def test_in_a_lossy_morning_only_post_charges_too_often() -> None:
    one, post, put = REPLY.run()["mornings"].values()
    assert (1, 1) == (len({one[0], post[0], put[0]}), len({one, put}))
    assert (0, 0) == (one[1], put[1])
    assert post[1] > 0


def test_ten_in_a_row_take_more_than_ten_times_the_median() -> None:
    lines = COST.run()["hops"]
    assert lines["p50"][-1][1] > 10 * lines["p50"][0][1]
    assert lines["p99"][-1][1] < 10 * lines["p99"][0][1]
    for line in lines.values():
        assert line[-1][1] == max(y for _, y in line)


def test_the_share_of_slow_pages_is_the_one_derived() -> None:
    names = COST.run()
    for (_, derived), counted in zip(names["derived"], names["shares"], strict=True):
        assert counted == pytest.approx(derived, abs=7)
    assert 18 == round(names["derived"][-1][1])
    assert ":answer: 18" in COST.text
    assert 1 - 0.99 ** names["glued"]["half_at"] >= 0.5


def test_a_chain_fails_about_as_many_calls_as_derived() -> None:
    names = COST.run()
    for percent, chains in names["failed"].items():
        for n, calls in enumerate(chains, start=1):
            derived = 1 - (1 - percent / 100) ** (2 * n)
            assert sum(calls) / len(calls) == pytest.approx(derived, abs=0.1)
    # The text speaks of the setting that the page shows first.
    start = names["rate"].text(names["rate"].start)
    assert f"At {start} lost, {{glue:text}}`one_fails" in COST.text


def test_asking_at_once_mends_the_wait_and_fewer_calls_the_failures() -> None:
    waits = [row[1:3] for row in COST.run()["rows"]]
    medians = [int(p50.split()[0]) for p50, _ in waits]
    assert medians[0] > 2 * medians[1] > 2 * medians[2]
    first, second, third = (row[3] for row in COST.run()["rows"])
    assert first == second != third


def test_a_ride_without_a_price_is_priced_when_pricing_is_back() -> None:
    ada, bob, charged = BUYS.run()["later"].result
    assert (280, None) == (ada["cents"], bob["cents"])
    assert [("ride-1", 280), ("ride-2", 280)] == charged


def test_no_ride_is_turned_away_while_pricing_is_replaced() -> None:
    whole, split = BUYS.run()["found"].values()
    assert (60, 0) == split[:2]
    assert 60 == sum(split[2:])
    assert min(split[2:]) > 0
    assert whole[1] > 0


def test_copies_speed_up_quotes_and_only_a_split_frees_look_ups() -> None:
    names = CHOICE.run()
    whole, split = names["whole"], names["split"]
    assert max(whole[2]["quotes"]) < min(split[2]["quotes"]) / 2
    assert max(split[2]["rides"]) < min(whole[3]["rides"]) / 2


def test_a_request_takes_thousands_of_times_as_long_as_a_call() -> None:
    assert CHOICE.run()["glued"]["ratio"] > 1000


def test_the_page_shows_it_on_sockets() -> None:
    assert 2 == len([cell for cell in CHOICE.cells if cell.local])
