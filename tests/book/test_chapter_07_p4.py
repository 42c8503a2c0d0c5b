"""Page 4 of chapter 07 says nothing that its own runs do not bear out."""

from datetime import datetime

import pytest

from movingparts.scenes.ch07.answering import dated_map
from movingparts.scenes.ch07.down import NO_ANSWER
from movingparts.scenes.ch07.stations import commands
from movingparts.world import simulate
from tests.book.chapters import Names, page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Names:
    return page("07-two-models/4-when-one-side-is-down").run()


def test_one_service_takes_the_map_along_and_no_report_is_lost(run: Names) -> None:
    found = run["outage"]({"stations": run["one_model"]}).result
    assert [NO_ANSWER] * 3 == found.maps[2:5]
    assert ["B3", "B4", "B5", "B6"] == found.saved[5]


def test_a_map_of_its_own_answers_and_says_how_old_it_is(run: Names) -> None:
    assert ["2 bikes"] * 3 == run["split"].result.maps[2:5]
    said = run["outage"](run["dated"], map_at="map").result.maps
    ages = [int(each.split(", ")[1].split()[0]) for each in said]
    assert ages == [3, 3, 13, 23, 33, 3]


def test_a_map_that_was_down_has_missed_nothing(run: Names) -> None:
    found = run["outage"](run["dated"], map_at="map", down="map").result
    assert [["B3"], ["B4"], ["B5"]] == found.saved[2:5]
    assert found.maps[5].startswith("6 bikes")


def test_a_map_that_starts_in_an_outage_still_knows_its_newest_event() -> None:
    async def scenario(world):
        await world.serve("stations", commands)
        await world.serve("map", dated_map)
        await world.client("dock").put("http://stations/stations/S001/bikes/B1")
        docked = world.clock.now()
        await world.clock.sleep(30)
        world.crash("stations")
        world.crash("map")
        await world.restart("map")
        await world.clock.sleep(30)
        body = (await world.client("ada").get("http://map/map")).json()
        return docked - datetime.fromisoformat(body["as_of"])

    assert 0 <= simulate(scenario, seed=1).result.total_seconds() < 1


def test_replicas_carry_the_load_and_change_nothing_for_the_docks(run: Names) -> None:
    ms, runs = run["ms"], run["runs"]
    tails = [run["percentile"](runs[n].result.reads.took, 99) for n in (1, 2, 4)]
    assert tails[0] > 4 * tails[1] > 4 * tails[2]
    assert 1 == len({ms(each.result.writes.took) for each in runs.values()})
    waits = [wait for _, wait in run["waits"](runs[1])]
    assert max(waits[-10:]) > 2 * max(waits[:10])


def test_the_second_model_is_what_makes_the_docks_fast(run: Names) -> None:
    processes, docks, _, behind, lost, lines = zip(*run["costs"].values(), strict=True)
    one, both, apart = (int(wait.removesuffix(" ms")) for wait in docks)
    assert one > 10 * both
    assert abs(both - apart) <= 2
    assert ("1", "1", "2") == processes
    assert ("no view", "never") == behind[:2]
    assert ("reports and map", "reports and map", "reports") == lost
    assert sorted(map(int, lines)) == [*map(int, lines)]
