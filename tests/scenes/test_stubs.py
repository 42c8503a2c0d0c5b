"""Billing bought, availability without promises, and one class for three teams."""

from functools import partial

import pytest

from movingparts.city.larkhaven import CONTEXTS, open_city, serve_city
from movingparts.city.synthetic import larkhaven
from movingparts.scenes.ch02 import one_bike
from movingparts.scenes.ch02.stubs import bought_billing, first_come, renamed_billing
from movingparts.world import simulate

TOWN = larkhaven(7, stations=2, bikes=1, riders=2, rides=0)
HERE = TOWN.bikes[0].station_id


async def two_want_one(world, **instead):
    """Two riders want one bike; each is promised it, and goes to the dock."""
    await serve_city(world, {**CONTEXTS, **instead})
    await open_city(world, TOWN, poor=2)
    app, got = world.client("app"), []
    shown = []
    for rider in TOWN.riders:
        command = {"rider_id": rider.rider_id, "station_id": HERE}
        address = f"http://availability/reservations/{rider.rider_id}"
        shown.append(await app.put(address, json=command))
    for number, reply in enumerate(shown):
        if reply.status_code == 200:
            ride = await app.put(f"http://rides/rides/{number}", json=reply.json())
            got.append(ride.status_code)
    return [reply.status_code for reply in shown], got


@pytest.mark.slow
def test_a_promise_turns_the_second_rider_away_at_home():
    assert ([200, 409], [200]) == simulate(two_want_one, seed=1).result


@pytest.mark.slow
def test_without_promises_the_second_rider_is_turned_away_at_the_dock():
    run = partial(two_want_one, availability=first_come)
    assert ([200, 200], [200, 409]) == simulate(run, seed=1).result


@pytest.mark.slow
def test_bought_billing_is_not_noticed():
    run = partial(two_want_one, billing=bought_billing)
    assert ([200, 409], [200]) == simulate(run, seed=1).result


@pytest.mark.slow
def test_first_come_forgets_a_bike_that_left_and_says_when_none_is_left():
    async def scenario(world):
        await serve_city(world, {**CONTEXTS, "availability": first_come})
        await open_city(world, TOWN)
        app = world.client("app")
        there = await app.get(f"http://availability/stations/{HERE}")
        bikes = {"vehs": there.json()["bikes"]}
        await app.post(f"http://docklink/hubs/{HERE}/lift", json=bikes)
        await world.clock.sleep(5)
        command = {"rider_id": TOWN.riders[0].rider_id, "station_id": HERE}
        refused = await app.put("http://availability/reservations/1", json=command)
        return there.json()["available"], refused.status_code, refused.json()["detail"]

    assert (1, 409, f"no bike is left at {HERE}") == simulate(scenario, seed=1).result


def test_a_renamed_field_stands_where_the_old_one_was():
    async def scenario(world):
        await world.serve("billing", renamed_billing)
        return (await world.client("you").put("http://billing/authorizations/1")).json()

    assert {"id": "authorization/1"} == simulate(scenario, seed=1).result


def test_a_bike_below_the_workshops_limit_stays_available():
    async def scenario(world):
        for team in (one_bike.bikes, one_bike.rental, one_bike.docks):
            await world.serve(team.__name__, team)
        await world.serve("workshop", one_bike.workshop)
        you = world.client("you")
        await you.post("http://docks/docked/212?minutes=599")
        fine = (await you.post("http://workshop/inspections/212")).json()
        await you.post("http://docks/unlocked/212")
        out = (await you.put("http://rental/reservations/212")).json()
        return fine, out

    fine, out = simulate(scenario, seed=1).result
    assert "bike 212 is fine" == fine
    assert {"detail": "bike 212 is not available"} == out
