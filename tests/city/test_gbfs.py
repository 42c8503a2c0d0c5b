"""The feed: valid by the official schemas, and true to the rows it is made from."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft7Validator, FormatChecker

from movingparts.city.gbfs import (
    FILES,
    NothingKnown,
    StationStatus,
    Stop,
    System,
    VehicleStatus,
    View,
    feed,
    public_id,
)
from movingparts.city.gbfs_validation import feed_errors
from movingparts.city.positions import Positions
from movingparts.city.ride import Ride
from movingparts.city.synthetic import larkhaven, write_trips
from movingparts.city.trips import read_trips
from movingparts.core import Node
from movingparts.service import service
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

CITY = larkhaven(seed=1)
RIDES = list(CITY.morning())
MIDNIGHT = datetime(2026, 5, 31, 23, tzinfo=UTC)  # in Larkhaven
RUSH_HOUR = datetime(2026, 6, 1, 7, 17, tzinfo=UTC)
URL = "http://feed/gbfs.json"
Documents = dict[str, Any]


def at_rush_hour(until: datetime | None = RUSH_HOUR) -> Positions:
    positions = Positions.of(CITY, MIDNIGHT)
    positions.play(RIDES, until=until)
    return positions


def system(stops: tuple[Stop, ...], **more: Any) -> System:
    what = {"name": "Larkhaven", "timezone": CITY.timezone, "url": "http://feed"}
    who = {"system_id": "larkhaven", "email": "feed@larkhaven.example"}
    return System(stops=stops, secret=b"of a test", **{**what, **who, **more})


def written(view: View, about: System) -> Documents:
    """Return the files as a reader gets them: as JSON."""
    made = {f"/{name}.json": make(view, about) for name, make in FILES.items()}
    documents: Documents = json.loads(json.dumps(made))
    return documents


def served(view: View, about: System, path: str = "") -> Any:
    """Serve the feed in a simulated world; return its errors, or one reply."""

    def factory(node: Node) -> FastAPI:
        app = service(node, title="Feed")
        app.include_router(feed(view, about))
        return app

    async def scenario(world: SimulatedWorld) -> Any:
        await world.serve("feed", factory)
        client = world.client("planner")
        asked = client.get(f"http://feed{path}") if path else feed_errors(client, URL)
        return await asked

    return simulate(scenario, seed=1).result


def errors(documents: Documents) -> list[str]:
    """Return the errors of a feed with these files, and without any other."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path in documents:
            return httpx.Response(200, json=documents[request.url.path])
        return httpx.Response(404)

    async def scenario(world: SimulatedWorld) -> list[str]:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport) as client:
            return await feed_errors(client, URL)

    found: list[str] = simulate(scenario, seed=1).result
    return found


def second_opinion(documents: Documents) -> list[str]:
    """Return what jsonschema finds, with the same schema files."""
    schemas = files("gbfs_validator") / "data" / "schemas" / "v3.0"
    found = []
    for path, document in documents.items():
        schema = json.loads((schemas / path[1:]).read_text("utf-8"))
        validator = Draft7Validator(schema, format_checker=FormatChecker())
        found += [path + error.json_path for error in validator.iter_errors(document)]
    return found


@pytest.mark.parametrize("until", [MIDNIGHT, RUSH_HOUR, None])
def test_larkhavens_feed_is_valid_at_any_time(until: datetime | None) -> None:
    view = at_rush_hour(until)
    about = system(view.stops)
    assert [] == served(view, about)
    assert [] == second_opinion(written(view, about))


@pytest.mark.parametrize("layout", ["lyft", "urban-sharing"])
def test_the_feed_of_a_readers_own_city_is_valid(layout: str, tmp_path: Path) -> None:
    write_trips(RIDES, tmp_path / "june.csv", layout=layout)
    view = Positions()
    view.play(read_trips(tmp_path / "june.csv", timezone=CITY.timezone).by_time())
    about = system(view.stops)
    assert [] == view.unplaced
    assert [] == served(view, about)
    documents = written(view, about)
    assert [] == second_opinion(documents)
    stations = documents["/station_status.json"]["data"]["stations"]
    vehicles = documents["/vehicle_status.json"]["data"]["vehicles"]
    assert len(CITY.stations) == len(stations)
    assert len(vehicles) == sum(each["num_vehicles_available"] for each in stations)
    assert not any("num_docks_available" in each for each in stations)


def station(documents: Documents, kind: str = "status") -> Documents:
    first: Documents = documents[f"/station_{kind}.json"]["data"]["stations"][0]
    return first


DAMAGE: dict[str, tuple[Callable[[Documents], Any], str]] = {
    "a number for a time": (
        lambda found: station(found).update(last_reported=1_780_300_000),
        "station_status.json: /data/stations/0/last_reported must be string",
    ),
    "negative docks": (
        lambda found: station(found).update(num_docks_available=-1),
        "station_status.json: /data/stations/0/num_docks_available must be >= 0",
    ),
    "a plain name": (
        lambda found: station(found, "information").update(name="Town Hall"),
        "station_information.json: /data/stations/0/name must be array",
    ),
    "another version": (
        lambda found: found["/vehicle_status.json"].update(version="2.3"),
        "vehicle_status.json: /version must be equal to constant",
    ),
    "another version everywhere": (
        lambda found: [each.update(version="2.3") for each in found.values()],
        "gbfs.json: /version must be equal to constant",
    ),
}
MISSING: dict[str, tuple[Callable[[Documents], Any], str]] = {
    "a required file": (
        lambda found: found.pop("/station_status.json"),
        "http://feed/station_status.json: no file",
    ),
    "a required file that is not listed": (
        lambda found: found["/gbfs.json"]["data"]["feeds"].pop(),
        "vehicle_status.json: required, but not there",
    ),
    "an optional file that is listed": (
        lambda found: found["/gbfs.json"]["data"]["feeds"].append(
            {"name": "system_alerts", "url": "http://feed/system_alerts.json"}
        ),
        "http://feed/system_alerts.json: no file",
    ),
    "everything": (lambda found: found.clear(), "http://feed/gbfs.json: no file"),
    "the feed": (
        lambda found: found.update({"/gbfs.json": "closed"}),
        "http://feed/gbfs.json: not a GBFS feed",
    ),
    "the list": (
        lambda found: found["/gbfs.json"]["data"].update(feeds={}),
        "http://feed/gbfs.json: ",
    ),
}


@pytest.mark.parametrize("what", [*DAMAGE, *MISSING])
def test_what_is_wrong_with_a_feed_is_found(what: str) -> None:
    damage, sentence = {**DAMAGE, **MISSING}[what]
    view = at_rush_hour()
    documents = written(view, system(view.stops))
    assert [] == errors(documents)
    damage(documents)
    assert any(each.startswith(sentence) for each in errors(documents))
    if what in DAMAGE:
        assert second_opinion(documents)


def test_a_bike_has_one_id_until_its_next_trip_ends() -> None:
    at = RUSH_HOUR
    before = VehicleStatus("B0001", 7, at, station_id="S01")
    moved = VehicleStatus("B0001", 7, at, station_id="S02", reserved=True)
    after = VehicleStatus("B0001", 8, at, station_id="S02")
    assert public_id(before, b"secret") == public_id(moved, b"secret")
    others = {public_id(after, b"secret"), public_id(before, b"another")}
    assert len({public_id(before, b"secret"), *others}) == 3
    assert not any("B0001" in each for each in others)


def test_ids_rotate_and_a_view_that_is_built_again_has_the_same() -> None:
    def ids(until: datetime) -> dict[str, str]:
        return {
            row.vehicle_id: public_id(row, b"secret")
            for row in at_rush_hour(until).vehicles()
        }

    first, later = ids(MIDNIGHT), ids(RUSH_HOUR)
    ended = {str(ride.bike_id) for ride in RIDES if ride.ended_at <= RUSH_HOUR}
    assert ended & later.keys() == {
        bike for bike in later if first[bike] != later[bike]
    }
    assert ids(RUSH_HOUR) == later
    assert len(set(first.values()) | set(later.values())) == len(first) + len(
        ended & later.keys()
    )


def test_a_bike_on_a_trip_is_in_no_file() -> None:
    out = {
        ride.bike_id for ride in RIDES if ride.started_at <= RUSH_HOUR < ride.ended_at
    }
    view = at_rush_hour()
    files = written(view, system(view.stops))
    assert out
    vehicles = files["/vehicle_status.json"]["data"]["vehicles"]
    assert len(CITY.bikes) - len(out) == len(vehicles)
    assert len(vehicles) == len({each["vehicle_id"] for each in vehicles})
    stations = files["/station_status.json"]["data"]["stations"]
    assert len(vehicles) == sum(each["num_vehicles_available"] for each in stations)


def test_the_feed_is_as_of_the_newest_event_whatever_the_clock_says() -> None:
    view = at_rush_hour()
    starts = [ride.started_at for ride in RIDES if ride.started_at <= RUSH_HOUR]
    ends = [ride.ended_at for ride in RIDES if ride.ended_at <= RUSH_HOUR]
    reply = served(view, system(view.stops), "/station_status.json")
    newest = max(starts + ends)
    assert newest == datetime.fromisoformat(reply.json()["last_updated"])
    assert "3.0" == reply.json()["version"]


class Rows:
    """A view of given rows."""

    def __init__(self, *rows: StationStatus | VehicleStatus) -> None:
        self._rows = rows

    def stations(self) -> list[StationStatus]:
        return [row for row in self._rows if isinstance(row, StationStatus)]

    def vehicles(self) -> list[VehicleStatus]:
        return [row for row in self._rows if isinstance(row, VehicleStatus)]


def test_what_stands_at_a_station_that_is_not_public_is_left_out() -> None:
    view = Rows(
        StationStatus("S 01", 1, 0, RUSH_HOUR),
        StationStatus("depot", 1, 9, RUSH_HOUR),
        VehicleStatus("B1", 0, RUSH_HOUR, station_id="S 01"),
        VehicleStatus("B2", 0, RUSH_HOUR, station_id="depot"),
        VehicleStatus("B3", 0, RUSH_HOUR, lat=49.1234567, lon=-6.95, disabled=True),
    )
    about = system((Stop("S 01", "Main St", 49.6, -6.95),))
    assert [] == served(view, about)
    files = written(view, about)
    [docked, free] = files["/vehicle_status.json"]["data"]["vehicles"]
    [status] = files["/station_status.json"]["data"]["stations"]
    assert "S%2001" == docked["station_id"] == status["station_id"]
    assert (49.123457, -6.95, True) == (free["lat"], free["lon"], free["is_disabled"])
    assert status["station_id"] == station(files, "information")["station_id"]


def test_a_station_without_a_position_is_named_and_left_out() -> None:
    at = RUSH_HOUR
    view = Positions()
    view.play([Ride("R1", at, at, "S1", "S2", None, "Main St", None, None, 49.6, -6.9)])
    assert (["S1"], ["S2"]) == (view.unplaced, [stop.station_id for stop in view.stops])
    assert [] == served(view, system(view.stops))


def test_before_the_first_event_there_is_no_feed() -> None:
    with pytest.raises(NothingKnown, match="no event has been applied yet"):
        FILES["gbfs"](Rows(), system(()))
    assert 503 == served(Rows(), system(()), "/gbfs.json").status_code
    assert 404 == served(at_rush_hour(), system(()), "/system_alerts.json").status_code


def test_a_naive_time_and_a_bike_that_is_nowhere_are_refused() -> None:
    naive = StationStatus("S01", 1, 1, RUSH_HOUR.replace(tzinfo=None))
    with pytest.raises(ValueError, match="must be aware"):
        FILES["gbfs"](Rows(naive), system(()))
    with pytest.raises(ValueError, match="B1 is nowhere"):
        VehicleStatus("B1", 0, RUSH_HOUR, lat=49.6)
