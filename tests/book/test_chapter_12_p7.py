"""What page 7 of chapter 12 says of its runs."""

import asyncio
from typing import Any

import pytest

from movingparts.control_plane import Mesh, Policy
from movingparts.faults import Fault
from movingparts.identity import PREFIX
from movingparts.scenes.ch12.callers import CALLERS, five_callers
from movingparts.scenes.ch12.city_without import City
from movingparts.scenes.ch12.forged import DOOR, behind_a_sidecar
from movingparts.scenes.ch12.handshake import WHO
from movingparts.scenes.ch12.one_call import BELIEVES, call, drawn
from movingparts.scenes.ch12.three_meshes import by_certificate, by_envoy, by_header
from movingparts.scenes.ch12.while_running import changes
from movingparts.scenes.ch12.xds import arriving, leaving
from movingparts.world import LocalWorld
from movingparts.world.simulated import SimulatedWorld, simulate
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow
REFUSED = ["200", "no connection", "403", "no connection", "no connection"]


@pytest.fixture(scope="module")
def run() -> Names:
    return page("12-between-the-parts/7-who-is-calling").run()


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """What the cells with sockets leave."""

    async def main() -> dict[str, Any]:
        found: dict[str, Any] = {}
        async with LocalWorld() as world:
            city = await City.of(world)
            for mesh in (by_header, by_certificate, by_envoy):
                async with mesh(city) as doors:
                    found[mesh.__name__] = await five_callers(doors)
                    if mesh is by_envoy:
                        found["changed"] = (await changes(city, doors)).rows
        return found

    return asyncio.run(main())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_one_header_billing_is_rides(run: Names, seed: int) -> None:
    assert [403, 200] == simulate(run["from_billing"], seed=seed).result


def test_a_header_lets_all_five_in_and_a_certificate_one(real: dict[str, Any]) -> None:
    assert ["200"] * len(CALLERS) == real["by_header"]
    assert REFUSED == real["by_certificate"]


def test_envoy_answers_all_five_as_our_sidecar_does(real: dict[str, Any]) -> None:
    assert REFUSED == real["by_envoy"]


def test_envoys_do_the_chapters_five_and_go_on_without_a_control_plane(
    real: dict[str, Any],
) -> None:
    first, second = "200 from availability", "200 from availability-2"
    riders, half = "rides for riders", "no limit; half of all tests fail"
    assert [
        ("nothing yet", "rides", first),
        ("billing may call too", "billing", first),
        ("each may call once a minute", "rides", "429"),
        ("each may call once a minute", "billing", "429"),
        (half, riders, first),
        (half, "rides for tests", f"{first} or 503"),
        ("a second copy fails each time", riders, f"{first} or 500"),
        ("five failures later", riders, first),
        ("it's mended; the first one leaves", "rides", second),
        ("at most 20 ms for an answer", "rides", "504"),
        ("1 s again", "rides", second),
        ("the control plane stops", "rides", second),
    ] == real["changed"]


def test_the_figure_refuses_whom_the_real_sidecar_refuses() -> None:
    header, certificate = BELIEVES
    statuses = {who: call(who, certificate).result for who in WHO}
    assert {"rides": 200, "billing": 403} == {k: v for k, v in statuses.items() if v}
    assert {200} == {call(who, header).result for who in WHO}


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("no certificate", "Certificate required"),
        ("signed by itself", "Bad signature"),
        ("expired", "Certificate expired"),
    ],
)
def test_the_figure_says_why_there_is_no_connection(who: str, why: str) -> None:
    figure = drawn(who, BELIEVES[1])
    assert f"{why}: nobody reads the request" == figure.title


def test_who_shows_no_good_certificate_never_reaches_availability() -> None:
    run = call("expired", BELIEVES[1])
    assert 4 == len(run.messages)
    assert "availability" not in {m.target for m in run.messages}


def test_a_policy_in_envoys_words_names_who_may_call_and_how() -> None:
    fault = Fault("rides", path="/slow", header=("x-test", "yes"), delay=2)
    policy = Policy(callers=("app",), attempts=3, seconds=0.2, rate=4, faults=(fault,))
    mesh = Mesh(policies={"rides": policy})
    faulty, usual = leaving("rides", mesh)["routes"]
    assert 2 == usual["route"]["retry_policy"]["num_retries"]
    assert "0.2s" == usual["route"]["retry_policy"]["per_try_timeout"]
    yes = {"name": "x-test", "string_match": {"exact": "yes"}}
    assert {"prefix": "/slow", "headers": [yes]} == faulty["match"]
    assert f"{PREFIX}app" in str(arriving("rides", mesh))
    assert "'max_tokens': 4" in str(arriving("rides", mesh))
    nothing_said = str(arriving("billing", mesh))
    assert not any(word in nothing_said for word in ("principals", "tokens"))


def test_a_policy_for_everyone_lets_billing_in() -> None:
    async def scenario(world: SimulatedWorld) -> int:
        await behind_a_sidecar(world, Policy())
        answer = await world.node("billing").client.get(f"{DOOR}/stations/harbor")
        return answer.status_code

    assert 200 == simulate(scenario, seed=1).result


def test_its_numbers_count_what_it_says(run: Names) -> None:
    assert 18 == run["glued"]["envoys"]
    assert 18 * 24 == run["glued"]["certificates"]
