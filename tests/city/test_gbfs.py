"""The feed: valid by the official schemas, and true to the rows it is made from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import reduce
from importlib.resources import files
from operator import getitem
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator, FormatChecker

from movingparts.city import gbfs
from movingparts.city.gbfs import StationStatus, Stop, System, VehicleStatus, View
from movingparts.city.gbfs_validation import feed_errors
from movingparts.city.positions import Positions
from movingparts.city.ride import Ride
from movingparts.city.synthetic import larkhaven, write_trips
from movingparts.city.trips import read_trips
from movingparts.service import service
from movingparts.world import simulate

CITY = larkhaven(seed=1, bikes=100, rides=900)
RIDES = list(CITY.morning())
MIDNIGHT = datetime(2026, 5, 31, 23, tzinfo=UTC)  # in Larkhaven
AT = datetime(2026, 6, 1, 7, 17, tzinfo=UTC)
INFORMATION = "station_information"
SCHEMAS = files("gbfs_validator") / "data/schemas/v3.0"
Files = dict[str, Any]


def until(at: datetime | None) -> Positions:
    positions = Positions.of(CITY, MIDNIGHT)
    positions.play(RIDES, until=at)
    return positions


def system(*stops: Stop) -> System:
    who = ("larkhaven", "Larkhaven", CITY.timezone, "http://feed", "a@feed.example")
    return System(*who, stops, secret=b"of a test")


def written(view: View, about: System) -> Files:
    made = {f"/{name}.json": file(view, about) for name, file in gbfs.FILES.items()}
    return dict(json.loads(json.dumps(made)))


def of_larkhaven(at: datetime | None) -> Files:
    view = until(at)
    return written(view, system(*view.stops))


def entries(found: Files, name: str) -> list[Any]:
    return list(*found[f"/{name}.json"]["data"].values())  # it has one field


def ask(view: View, about: System, path: str = "") -> Any:
    """Serve the feed in a simulated world; return a reply, or what is wrong with it."""

    async def scenario(world: Any) -> Any:
        app = service(world.node("feed"), title="Feed")
        app.include_router(gbfs.feed(view, about))
        await world.serve("feed", lambda node: app)
        client, url = world.client("planner"), f"http://feed{path or '/gbfs.json'}"
        return await (client.get(url) if path else feed_errors(client, url))

    return simulate(scenario, seed=1).result


def errors(found: Files) -> list[str]:
    def answer(request: httpx.Request) -> httpx.Response:
        file = found.get(request.url.path)
        return httpx.Response(404) if file is None else httpx.Response(200, json=file)

    async def scenario(world: Any) -> Any:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            return await feed_errors(client, "http://feed/gbfs.json")

    return list(simulate(scenario, seed=1).result)


def second_opinion(found: Files) -> list[str]:
    broken = []
    for path, file in found.items():
        schema = json.loads((SCHEMAS / path[1:]).read_text("utf-8"))
        check = Draft7Validator(schema, format_checker=FormatChecker())
        broken += [path + error.json_path for error in check.iter_errors(file)]
    return broken


@pytest.mark.parametrize("at", [MIDNIGHT, AT, None])
def test_larkhavens_feed_is_valid(at: datetime | None) -> None:
    view, found = until(at), of_larkhaven(at)
    assert ([], []) == (ask(view, system(*view.stops)), second_opinion(found))


@pytest.mark.parametrize("layout", ["lyft", "urban-sharing"])
def test_a_readers_own_feed_is_valid(layout: str, tmp_path: Path) -> None:
    write_trips(RIDES, tmp_path / "june.csv", layout=layout)
    view = Positions()
    view.play(read_trips(tmp_path / "june.csv", timezone=CITY.timezone).by_time())
    found = written(view, about := system(*view.stops))
    assert ([], [], []) == (view.unplaced, ask(view, about), second_opinion(found))
    stations = entries(found, "station_status")
    assert len(view.stops) == len(stations) == len(entries(found, INFORMATION))
    assert not any("num_docks_available" in each for each in stations)  # nobody knows


ALERTS = {"name": "system_alerts", "url": "http://feed/alerts.json"}
BROKEN = [  # a file, where in it, what stands there instead, and what is found
    ("station_status", "data stations 0 last_reported", 1_780_300_000, "be string"),
    ("station_status", "data stations 0 num_docks_available", -1, "be >= 0"),
    (INFORMATION, "data stations 0 name", "Town Hall", "be array"),
    ("gbfs", "version", "2.3", "be equal to constant"),
    ("station_status", "", None, "/station_status.json: no file"),
    ("gbfs", "data feeds 3", ALERTS, "vehicle_status.json: required, but not there"),
    ("gbfs", "data feeds 3", ALERTS, "/alerts.json: no file"),
    ("gbfs", "", None, "/gbfs.json: no file"),
    ("gbfs", "", "closed", "/gbfs.json: not a GBFS feed"),
    ("gbfs", "data feeds", {}, "data.feeds.filter is not a function"),
]


@pytest.mark.parametrize(("file", "where", "value", "what"), BROKEN)
def test_a_broken_feed_is_found(file: str, where: str, value: Any, what: str) -> None:
    found = of_larkhaven(AT)
    keys = (int(key) if key.isdigit() else key for key in where.split())
    *path, last = (f"/{file}.json", *keys)
    reduce(getitem, path, found)[last] = value
    broken = errors(found)
    assert any(each.endswith(what) for each in broken)
    if what.startswith("be "):  # a schema says so
        assert 1 == len(broken) == len(second_opinion(found))


def test_the_ids_of_bikes_that_were_ridden_and_of_no_others_change() -> None:
    def ids(at: datetime) -> dict[str, str]:
        return {b.vehicle_id: gbfs.public_id(b, b"s") for b in until(at).vehicles()}

    first, later = ids(MIDNIGHT), ids(AT)
    assert later == ids(AT)  # of a view that was built again
    ridden = {ride.bike_id for ride in RIDES if ride.ended_at <= AT} & later.keys()
    assert ridden == {bike for bike in later if first[bike] != later[bike]} != set()
    assert len(first) + len(ridden) == len({*first.values(), *later.values()})
    here, there = VehicleStatus("B1", 7, "S01"), VehicleStatus("B1", 7, "S02")
    assert gbfs.public_id(here, b"s") == gbfs.public_id(there, b"s")  # a truck came
    assert gbfs.public_id(here, b"s") != gbfs.public_id(here, b"t")


def test_a_bike_on_a_trip_is_in_no_file() -> None:
    out = {ride.bike_id for ride in RIDES if ride.started_at <= AT < ride.ended_at}
    found = of_larkhaven(AT)
    here = [each["num_vehicles_available"] for each in entries(found, "station_status")]
    ids = [each["vehicle_id"] for each in entries(found, "vehicle_status")]
    assert len(CITY.bikes) - len(out) == len(ids) == sum(here) < len(CITY.bikes)
    assert sorted(ids) == ids  # so that a bike's place in the list does not tell it


def test_the_feed_is_as_of_what_the_view_has_whatever_the_clock_says() -> None:
    file = ask(until(AT), system(), "/gbfs.json").json()
    assert AT.isoformat() == file["last_updated"]  # though nothing happened just then
    assert max(ride.ended_at for ride in RIDES) == until(None).as_of


def rows(stations: Any = (), vehicles: Any = (), as_of: datetime | None = AT) -> Any:
    found = {"stations": lambda: stations, "vehicles": lambda: vehicles}
    return SimpleNamespace(as_of=as_of, **found)


def test_only_what_is_in_public_is_published() -> None:
    bikes = [VehicleStatus(f"B-{at}", 0, at) for at in ("S 01", "depot")]
    bikes.append(VehicleStatus("B3", 0, lat=49.1234567, lon=0.0, disabled=True))
    view = rows([StationStatus(at, 1, 0, AT) for at in ("S 01", "depot")], bikes)
    found = written(view, about := system(Stop("S 01", "Main St", 49.6, -6.95)))
    assert ([], []) == (ask(view, about), second_opinion(found))
    [docked, free] = sorted(entries(found, "vehicle_status"), key=len)
    [status], [stop] = entries(found, "station_status"), entries(found, INFORMATION)
    assert {"S%2001"} == {each["station_id"] for each in (docked, status, stop)}
    assert (49.123457, 0.0, True) == (free["lat"], free["lon"], free["is_disabled"])


def test_a_station_without_a_position_is_named_and_left_out() -> None:
    view = Positions()
    view.play([Ride("R1", AT, AT, "S1", "S2", None, "Main St", None, None, 49.6, 0.0)])
    assert (["S1"], (Stop("S2", "Main St", 49.6, 0.0),)) == (view.unplaced, view.stops)
    assert [] == ask(view, system(*view.stops))


def test_what_cannot_be_published_is_refused() -> None:
    assert 503 == ask(rows(as_of=None), system(), "/gbfs.json").status_code
    assert 404 == ask(until(AT), system(), "/alerts.json").status_code
    with pytest.raises(ValueError, match="must be aware"):
        gbfs.gbfs(rows(as_of=AT.replace(tzinfo=None)), system())
    with pytest.raises(ValueError, match="B1 needs a station_id, or lat and lon"):
        VehicleStatus("B1", 0, lat=49.6)
