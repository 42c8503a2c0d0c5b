"""Page 4 of chapter 04 says nothing that its own runs do not bear out."""

from itertools import pairwise

import httpx
import pytest

from movingparts.gateway import Route, gateway
from movingparts.scenes.ch04.changes import NEW, contract
from movingparts.scenes.ch04.contracts import breaking, unread
from movingparts.scenes.ch04.field import PHONES, SHARE, WITHIN, six_weeks, updates
from movingparts.scenes.ch04.versions import SUNSET, before, version_1
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("04-the-front-door/4-a-renamed-field").run()


def test_every_old_app_and_only_an_old_app_shows_nothing(run: Names) -> None:
    screens = run["renamed"].screens
    assert 0 < sum(each.bikes is None for each in screens) < len(screens)
    assert all((each.bikes is None) == (each.app == 1) for each in screens)


def test_the_assumed_share_of_phones_updates_in_the_assumed_time() -> None:
    early = sum(updates(phone) <= WITHIN for phone in range(PHONES))
    assert (14, 60, 60) == (WITHIN, round(100 * SHARE), round(100 * early / PHONES))


def test_the_way_back_breaks_those_that_updated_and_more_each_day(run: Names) -> None:
    back = run["back"]
    late = [back.broken(day) for day in range(3, run["DAYS"])]
    assert late == sorted(late)
    assert late[0] < late[-1]
    assert all((s.bikes is None) == (s.app == 2) for s in back.screens if s.day >= 3)
    assert back.broken() > run["renamed"].broken()


def test_the_renaming_breaks_the_contract_in_both_directions(run: Names) -> None:
    old, new = contract(before), contract(run["after"])
    assert ["GET /stations/{station}, answer: bikes may be missing"] == breaking(
        old, new
    )
    assert 1 == len(breaking(new, old))


def test_a_value_more_breaks_answers_and_not_requests(run: Names) -> None:
    ours = run["ours"]
    assert ours["an answer may have one more value"]
    assert not ours["a request may have one more value"]


def test_answers_may_become_narrower_and_requests_wider(run: Names) -> None:
    safe = [change for change, found in run["ours"].items() if not found]
    assert [
        "an answer has one more field",
        "an answer may have one value less",
        "a request may have one more field",
        "a request may have one more value",
    ] == safe


def test_the_library_agrees_but_for_text_in_place_of_a_number(run: Names) -> None:
    assert ["a number becomes text in an answer"] == run["differ"]
    assert run["ours"]["a number becomes text in an answer"]
    assert len(NEW) == run["glued"]["ten"] == run["glued"]["agree"] + 1


def test_both_fields_break_nothing(run: Names) -> None:
    assert [] == breaking(contract(before), contract(run["expanded"]))
    assert 0 == run["both"].broken()


def test_side_by_side_breaks_nothing_and_costs_one_more_call(run: Names) -> None:
    beside = run["beside"]
    assert 0 == beside.broken()
    waits = [{s.took for s in beside.screens if s.app == app} for app in (1, 2)]
    assert [1, 1] == [len(each) for each in waits]
    assert max(waits[0]) > max(waits[1])


def test_version_1_keeps_the_contract() -> None:
    assert [] == breaking(contract(before), contract(version_1))


def test_fewer_ask_for_version_1_each_day_but_never_nobody(run: Names) -> None:
    assert all(later <= earlier for earlier, later in pairwise(run["old"]))
    assert min(run["old"]) > 0


def test_the_gateway_passes_on_when_version_1_ends(run: Names) -> None:
    async def scenario(world: SimulatedWorld) -> httpx.Response:
        await world.serve("availability", run["after"])
        await world.serve("availability-v1", version_1)
        routes = [Route("/availability", "availability-v1")]
        await world.serve("gateway", lambda node: gateway(node, routes=routes))
        url = "http://gateway/availability/stations/harbor"
        return await world.node("app").client.get(url)

    answer = simulate(scenario, seed=1).result
    assert SUNSET == {name: answer.headers[name] for name in SUNSET}


def test_other_seeds_break_as_many_screens(run: Names) -> None:
    for seed in (2, 3):
        weeks = six_weeks({"availability": run["after"]}, seed=seed).result
        assert run["renamed"].broken() == weeks.broken()


def test_a_reader_takes_one_of_several_kinds_and_no_other() -> None:
    text, number = {"type": "string"}, {"type": "integer"}
    either = {"anyOf": [text, number]}
    assert [] == [*unread(number, either)] == [*unread(either, either)]
    assert ["body is sent as integer, read as string"] == [*unread(either, text)]
    assert [] == [*unread(number, {"type": "number"})]
    texts, numbers = ({"type": "array", "items": each} for each in (text, number))
    wrong = [*unread(texts, numbers, "a")]
    assert ["a[] is sent as string, read as integer"] == wrong
    assert ["a may be any string"] == [*unread(text, {**text, "const": "on"}, "a")]
