"""Page 2 of chapter 04 says nothing that its own runs do not bear out."""

import re
from typing import Any

import pytest

from movingparts.gateway import Part
from movingparts.measure.latency import percentile
from movingparts.scenes.ch04.fares import WORK
from movingparts.scenes.ch04.home import HOME
from movingparts.scenes.ch04.missing import RIDERS, mornings
from movingparts.scenes.ch04.rush import ENDS, TRAIN, rush
from movingparts.upstream import TIMEOUT
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
INSIDE = re.compile(r"forecast|5432|SELECT|Error|listen|http")


@pytest.fixture(scope="module")
def run() -> Names:
    return page("04-the-front-door/2-one-answer-is-missing").run()


def screens(found: dict[str, Any]) -> list[int]:
    return [morning.screens for morning in found.values()]


def test_one_broken_service_takes_every_screen_from_a_fragile_gateway(
    run: Names,
) -> None:
    assert [RIDERS, 0, 0, 0] == screens(run["before"])
    assert percentile(run["before"]["hangs"].took, 50) > 5_000


def test_with_optional_parts_every_rider_sees_a_screen(run: Names) -> None:
    assert [RIDERS] * 4 == screens(run["after"])
    for state, morning in run["after"].items():
        missing = [reply.json()["missing"] for reply in morning.replies]
        assert [[] if state == "is up" else ["weather"]] * RIDERS == missing
    assert 1_100 < percentile(run["after"]["hangs"].took, 50) < 1_250


def test_only_the_rider_is_required_and_parts_wait_for_a_second() -> None:
    assert ["rider"] == [part.name for part in HOME if part.required]
    assert {Part("any", "http://any").seconds} == {part.seconds for part in HOME}


def test_a_fragile_gateway_passes_the_inside_on_and_ours_does_not(run: Names) -> None:
    assert INSIDE.search(run["before"]["fails"].replies[0].text)
    alone = mornings(run["sturdy"], path="/weather/stations/harbor")
    bodies = {state: found.replies[0] for state, found in alone.items()}
    assert [200, 504, 502, 502] == [reply.status_code for reply in bodies.values()]
    for state, reply in bodies.items():
        if state != "is up":
            assert "weather is not available" == reply.json()["detail"]
            assert not INSIDE.search(reply.text)


def test_the_log_has_one_id_in_the_lines_of_both_services(run: Names) -> None:
    rows = run["after"]["fails"].logged("s-7").rows
    assert ["gateway", "weather"] == [name for name, _ in rows]
    assert all("forecast-db-2" in line for _, line in rows)


def test_without_deadlines_about_half_of_the_work_is_for_nobody(run: Names) -> None:
    nobody = run["nobody"]
    assert nobody.worked == len(nobody.asked)
    assert nobody.worked - nobody.shown > nobody.worked / 3


def test_a_deadline_that_only_the_gateway_knows_saves_no_work(run: Names) -> None:
    for seed in (1, 2, 3):
        none, gateway = (rush(run["own"], says=says, seed=seed) for says in (None, 750))
        assert gateway.worked == none.worked
        assert gateway.shown <= none.shown


def test_with_deadlines_nothing_is_done_for_nobody_under_other_seeds_too(
    run: Names,
) -> None:
    for seed in (1, 2, 3, 4):
        found = rush(run["callers"], says=750, seed=seed)
        before = rush(run["own"], seed=seed)
        assert found.worked == found.shown
        assert len(found.asked) - found.shown <= TRAIN
        assert found.shown > 1.5 * before.shown


def test_without_a_train_nobody_works_in_vain(run: Names) -> None:
    for found in run["calm"].values():
        assert len(found.asked) == found.worked == found.shown


def test_billing_can_do_five_a_second_and_four_ask(run: Names) -> None:
    assert 5 == 1 / WORK
    riders = len(run["calm"][run["own"]].asked)
    assert 4 == round(riders / ENDS)


def test_in_the_figures_work_goes_on_or_each_service_knows_what_is_left(
    run: Names,
) -> None:
    before = run["alone"](run["own"])
    assert ["late"] == [m.fate for m in before.messages if m.target == "app"]
    assert 1 == before.result.worked
    after = run["alone"](run["callers"], says=750)
    assert 0 == after.result.worked
    [answer] = [m for m in after.messages if m.target == "app"]
    assert "delivered" == answer.fate
    left = [int(m.text.split()[0]) for m in after.moments if " ms" in m.text]
    assert left == sorted(left, reverse=True)
    assert 750 == left[0]


def test_the_header_of_the_text_is_the_gateways() -> None:
    assert "timeout-ms" == TIMEOUT
