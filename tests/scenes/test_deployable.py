"""Six contexts in one process: the same contracts, the same rules, fewer messages."""

import httpx
import pytest

from movingparts.city.billing.service import Handlers as BillingHandlers
from movingparts.city.day import first_day, live_day, sleep_until
from movingparts.city.docklink import docklink
from movingparts.city.larkhaven import CONTEXTS, open_city, own_service, serve_city
from movingparts.city.synthetic import larkhaven
from movingparts.scenes.ch02.deployable import Inside, in_one, together
from movingparts.world import simulate

TOWN = larkhaven(7, stations=2, bikes=1, riders=1, rides=0)
CITY = larkhaven(7, stations=3, bikes=12, riders=30, rides=60)


async def serve(world, where):
    if where is own_service:
        await serve_city(world)
        return

    def vendor(node):
        return docklink(node, report_to=f"{in_one('stations')}/docklink")

    await world.serve("docklink", vendor)
    await world.serve("city", together(CONTEXTS))


async def morning(world, where):
    await serve(world, where)
    await open_city(world, CITY, where=where)
    await sleep_until(world, first_day(), 8, CITY)
    hours = (8, 9)
    outcome = await live_day(world, CITY, first_day(), where=where, hours=hours)
    return outcome.requests, len(world.recording.messages)


@pytest.mark.slow
def test_the_same_requests_succeed_with_fewer_messages():
    six = simulate(lambda world: morning(world, own_service), seed=7).result
    one = simulate(lambda world: morning(world, in_one), seed=7).result
    assert six[0] == one[0]
    assert one[0]["ridden"] > 0
    assert 2 * one[1] < six[1]


@pytest.mark.slow
def test_each_context_keeps_a_file_of_its_own():
    async def scenario(world):
        await serve(world, in_one)
        await open_city(world, CITY, where=in_one)
        found = sorted(
            path.name for path in world.node("city").disk.path.glob("*.sqlite")
        )
        kinds = {}
        for name in ("riders", "availability"):
            db = world.node("city").disk.connect(f"{name}.sqlite")
            kinds[name] = {
                row["kind"] for row in db.execute("SELECT * FROM aggregates")
            }
        return found, kinds

    files, kinds = simulate(scenario, seed=1).result
    assert sorted(f"{name}.sqlite" for name in CONTEXTS) == files
    assert {"Rider"} == kinds["riders"]
    assert {"Bike", "Rider", "Stand"} == kinds["availability"]


@pytest.mark.slow
def test_a_crash_takes_all_contexts_and_a_restart_brings_what_was_saved():
    async def scenario(world):
        await serve(world, in_one)
        await open_city(world, CITY, where=in_one)
        you = world.client("you")
        world.network.crash("city")
        with pytest.raises(httpx.ConnectError):
            await you.get(f"{in_one('fleet')}/bikes/B0001")
        await world.network.restart("city")
        fleet = await you.get(f"{in_one('fleet')}/bikes/B0001")
        stations = await you.get(f"{in_one('stations')}/bikes/B0001")
        return fleet.json()["available"], stations.json()["available"]

    assert (True, True) == simulate(scenario, seed=1).result


def test_what_is_not_inside_is_asked_over_the_network():
    async def scenario(world):
        await world.serve("docklink", docklink)
        inside = httpx.AsyncClient(transport=Inside({}, world.client("city")))
        return (await inside.get("http://docklink/hubs/S01")).status_code

    assert 404 == simulate(scenario, seed=1).result


@pytest.mark.slow
def test_what_was_handed_over_in_memory_and_not_dealt_with_ends_with_the_process(
    monkeypatch,
):
    """A broker would deliver it again; and nobody handles it after the end."""
    slow = {"seconds": 0.0}
    handle = BillingHandlers.handle

    async def later(self, reported):
        await self._node.clock.sleep(slow["seconds"])
        await handle(self, reported)

    monkeypatch.setattr(BillingHandlers, "handle", later)

    async def scenario(world, where):
        await serve(world, where)
        await open_city(world, TOWN, where=where)
        app, [bike], [rider] = world.client("app"), TOWN.bikes, TOWN.riders
        command = {"rider_id": rider.rider_id, "station_id": bike.station_id}
        address = f"{where('availability')}/reservations/1"
        promised = (await app.put(address, json=command)).json()
        await app.put(f"{where('rides')}/rides/1", json=promised)
        slow["seconds"] = 30.0
        hub = f"http://docklink/hubs/{bike.station_id}/insert"
        await app.post(hub, json={"veh": bike.bike_id})
        await world.clock.sleep(2)
        name = "billing" if where is own_service else "city"
        world.network.crash(name)
        slow["seconds"] = 0.0
        await world.network.restart(name)
        await world.clock.sleep(60)
        paid = await app.get(f"{where('billing')}/authorizations/1")
        return paid.json()["state"]

    six = simulate(lambda world: scenario(world, own_service), seed=1).result
    slow["seconds"] = 0.0
    one = simulate(lambda world: scenario(world, in_one), seed=1).result
    assert ("charged", "authorized") == (six, one)
