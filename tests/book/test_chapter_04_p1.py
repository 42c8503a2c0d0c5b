"""Page 1 of chapter 04 says nothing that its own runs do not bear out."""

from functools import partial
from typing import Any

import httpx
import pytest

from movingparts.core.random import Constant, Uniform
from movingparts.scenes.ch04.home import HOME, SERVICES
from movingparts.scenes.ch04.phone import PHONE, Screens, screens
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
SEEDS = (2, 3, 4)


@pytest.fixture(scope="module")
def run() -> Names:
    return page("04-the-front-door/1-six-calls-for-one-screen").run()


def near(run: Names, **more: Any) -> Screens:
    """Screens through the page's gateway."""
    services = {"gateway": run["front_door"]}
    found = screens(run["through_the_gateway"], services=services, **more).result
    assert isinstance(found, Screens)
    return found


def test_the_phones_network_is_as_the_text_says() -> None:
    assert Uniform(0.060, 0.120) == PHONE


@pytest.mark.parametrize("seed", [1, *SEEDS])
def test_all_at_once_is_quicker_than_one_by_one_and_loses_as_much(
    run: Names, seed: int
) -> None:
    row = screens(run["one_by_one"], count=150, seed=seed).result
    once = screens(run["at_once"], count=150, seed=seed).result
    assert 5 * once.at(50) < 1.1 * row.at(50)
    assert row.again == once.again
    assert once.at(50) < 250 < 1_000 < once.at(95)


def test_one_screen_waits_for_a_reply_that_was_lost(run: Names) -> None:
    lost = [message for message in run["one"].messages if message.fate == "lost"]
    assert [("reply", "availability")] == [(m.kind, m.source) for m in lost]
    assert 1_000 < run["one"].result.took[0] < 1_500


def test_through_the_gateway_about_a_sixth_of_the_screens_lose_a_message(
    run: Names,
) -> None:
    once = [screens(run["at_once"], seed=seed).result for seed in SEEDS]
    door = [near(run, seed=seed) for seed in SEEDS]
    assert 3 < sum(s.again for s in once) / sum(s.again for s in door) < 12
    assert max(s.at(50) for s in door) < min(s.at(50) for s in once)
    assert max(s.at(95) for s in door) < 300 < 1_000 < min(s.at(95) for s in once)


def test_a_renamed_service_is_missing_until_the_gateway_knows_its_name(
    run: Names,
) -> None:
    after = run["after"]
    assert (100, 0) == tuple(found.result.incomplete for found in after.values())


def test_the_screen_through_the_gateway_has_its_slowest_call_in_the_figure(
    run: Names,
) -> None:
    messages = run["near_one"].messages
    came = {m.source: m.arrived_us for m in messages if m.kind == "reply"}
    last = max((name for name in came if name != "gateway"), key=lambda n: came[n])
    assert "riders" == last
    assert {"delivered"} == {message.fate for message in messages}


def test_between_gateway_and_services_a_message_takes_a_millisecond(
    run: Names,
) -> None:
    async def scenario(world: SimulatedWorld) -> object:
        return world.network.conditions("gateway", "riders")

    inside = simulate(scenario, seed=1).result
    assert (Constant(0.001), 0.0) == (inside.latency, inside.loss)


@pytest.mark.parametrize("ms", [1, 10, 90, 150])
def test_where_nothing_is_lost_the_gateway_adds_a_hop_and_saves_nothing(
    run: Names, ms: int
) -> None:
    median, ways = run["median"], run["WAYS"]
    row, once, door = (median(way, HOME, ms) for way in ways.values())
    assert 0 < door - once < 5
    assert once < row


def test_for_three_parts_little_is_gained(run: Names) -> None:
    assert 0 < run["three"].at(50) - run["three_near"].at(50) < 30
    assert run["three_near"].again < run["three"].again < run["once"].again
    office = [
        run["median"](run[way], HOME[:3], 1)
        for way in ("at_once", "through_the_gateway")
    ]
    assert 0 < office[1] - office[0] < 5


def test_without_the_gateway_there_is_no_screen_at_all(run: Names) -> None:
    async def scenario(world: SimulatedWorld) -> object:
        for name, factory in {**SERVICES, "gateway": run["front_door"]}.items():
            await world.serve(name, factory)
        app = world.node("app")
        token = {"authorization": "Bearer token-of-ada"}
        get = partial(app.client.get, "http://gateway/screen/harbor", headers=token)
        up = (await get()).status_code
        world.crash("gateway")
        try:
            await get()
        except httpx.ConnectError:
            return up, "nobody answers"
        return up, "answered"

    assert (200, "nobody answers") == simulate(scenario, seed=1).result


def test_two_calls_in_a_row_take_half_the_time_through_a_gateway(run: Names) -> None:
    """The last question: 180 ms there and back, once or twice."""
    twice = screens(run["one_by_one"], count=9, parts=HOME[:2], loss=0).result
    assert 0.45 < near(run, count=9, loss=0).at(50) / twice.at(50) < 0.65
