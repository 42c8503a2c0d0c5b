"""A real city's trips, replayed: no row raises, and none is dropped."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from movingparts.bus import Event
from movingparts.city.audit import Audit
from movingparts.city.billing.model.payment import NOT_AUTHORIZED
from movingparts.city.larkhaven import CONTEXTS, serve_city
from movingparts.city.replay import CAPACITY, TARGETS, Replayed, replay
from movingparts.city.ride import Ride
from movingparts.city.rides.model import FALSE_START, OVERDUE, REPEATED, TOO_FAST
from movingparts.city.stations.model import CROWDED, MOVED
from movingparts.city.synthetic import larkhaven, write_trips
from movingparts.city.trips import TripsReport, read_trips
from movingparts.published_language import ensure_stream
from movingparts.repository import SqliteRows
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

ZONE = "Europe/London"
LAYOUTS = ("lyft", "urban-sharing")
HOURS, SECOND = timedelta(hours=1), timedelta(seconds=1)
DOUBLED = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # half past one, for the first time
ODD_NAMES = (
    "a/b",
    "Møllen 🚲",
    "..",
    "100 % / ?#&",
    "S 01",
    "-",
    "bell\x07",
    'O\'Hara "East"',
)


def days(count: int, *, every: int = 1) -> Iterator[Ride]:
    """Yield tidy rides of some days: each of Larkhaven's, or only every nth."""
    day, city, left = date(2026, 10, 24), larkhaven(seed=1), count
    while left > 0:
        for ride in islice(city.rides(day), 0, every * left, every):
            yield ride
            left -= 1
        day += timedelta(days=1)


Oddity = Callable[[Ride, Random, int], Ride]


def at(ride: Ride, begun: datetime) -> Ride:
    """Return the ride as it would be if it had begun then."""
    return replace(ride, started_at=begun, ended_at=begun + ride.duration)


def at_once(ride: Ride, to: str) -> Ride:
    """Return the ride as one of no time, from S01."""
    over = ride.started_at
    return replace(ride, ended_at=over, start_station_id="S01", end_station_id=to)


ODDITIES: tuple[Oddity, ...] = (
    # docked again at once; elsewhere at once, as by two clocks; not docked properly
    lambda ride, chance, n: at_once(ride, "S01"),
    lambda ride, chance, n: at_once(ride, "S02"),
    lambda ride, chance, n: replace(ride, ended_at=ride.started_at + HOURS * 30),
    # many come to one small station
    lambda ride, chance, n: replace(ride, end_station_id="S03"),
    # under the id of another ride, which it may overlap
    lambda ride, chance, n: replace(ride, ride_id=f"twice-{n // 50}"),
    # with fractions of seconds; in the hour that the clock doubles; all at a time
    lambda ride, chance, n: at(ride, ride.started_at + chance.random() * SECOND),
    lambda ride, chance, n: at(ride, DOUBLED + chance.randrange(3600) * SECOND),
    lambda ride, chance, n: at(ride, ride.started_at.replace(minute=0, second=0)),
    # from and to stations of odd names
    lambda ride, chance, n: replace(
        ride,
        start_station_id=chance.choice(ODD_NAMES),
        end_station_id=chance.choice(ODD_NAMES),
    ),
)


def mess(tidy: Iterable[Ride], *, seed: int = 7) -> list[Ride]:
    """Return rides with all that real histories have in them, in no order."""
    chance = Random(f"{seed}/mess")
    rides = [
        ODDITIES[n % 25](ride, chance, n) if n % 25 < len(ODDITIES) else ride
        for n, ride in enumerate(tidy)
    ]
    chance.shuffle(rides)
    return rides


def written(rides: list[Ride], path: Path, layout: str) -> Path:
    """Write a history, with rows in it that no reader can use."""
    write_trips(rides, path, layout=layout, timezone=ZONE)
    lines = path.read_text("utf-8").splitlines()
    middle = len(lines) // 2
    spoiled = ["no,ride,at,all", lines[middle] + ",more", '"never closed']
    path.write_text(
        "\n".join([*lines[:middle], *spoiled, *lines[middle:], ""]), "utf-8"
    )
    return path


@dataclass
class Replay:
    """The outcome of a replay."""

    replayed: Replayed
    report: TripsReport
    audit: Audit
    states: Counter[str]  # of rides, in the database of rides
    docks: dict[str, int]  # of stations: how many hold a bike, at most over time
    digest: str  # of all that was published


CAPACITIES = {"S03": 3, "S01": 30}


def replay_file(path: Path, *, contexts: Iterable[str] = TARGETS) -> Replay:
    """Replay a history to services, and read their state."""
    trips = read_trips(path, timezone=ZONE)
    audit, digest = Audit(_Capacities()), hashlib.sha256()

    async def scenario(world: SimulatedWorld) -> Any:
        await serve_city(world, {name: CONTEXTS[name] for name in contexts})
        node = world.node("audit")

        async def handle(event: Event) -> None:
            digest.update(event.to_json())
            audit.handle(event.type.removeprefix("city.larkhaven."), event.data)

        for name in contexts:
            await ensure_stream(node, name)
            await node.bus.subscribe(f"{name}.*", handle)
        found = await replay(world, trips.by_time(), capacities=CAPACITIES)
        rows = SqliteRows(world.node("rides").disk.connect())
        states = Counter(
            state.partition(b'"state":"')[2].partition(b'"')[0].decode()
            for key in rows.keys("Ride")
            for _, state in [rows.read("Ride", key) or (0, b"")]
        )
        client = world.client("looker")
        docks = {}
        for station in ("S01", "S02", "S03"):
            reply = await client.get(f"http://stations/stations/{station}")
            docks[station] = len(reply.json()["docks"])
        return found, states, docks

    recording = simulate(scenario, seed=7)
    assert [] == [m.text for m in recording.moments if m.kind == "dead letter"]
    replayed, states, docks = recording.result
    return Replay(replayed, trips.report, audit, states, docks, digest.hexdigest())


class _Capacities(dict[str, int]):
    """How many docks a station has, as the replay installs them."""

    def __init__(self) -> None:
        super().__init__(CAPACITIES)

    def get(self, key: str, default: Any = None) -> int:
        return super().get(key, CAPACITY)


def check(found: Replay, rides: list[Ride], layout: str) -> None:
    """Check what holds for every replay, however messy."""
    assert len(rides) == found.report.usable == found.replayed.rides
    assert 3 == found.report.unusable
    assert (layout == "lyft") is (found.report.doubled_hours > 0)
    # Each ride has an end; those without one are reported as another of their id.
    again = found.replayed.anomalies[REPEATED]
    assert {"ended": len(rides) - again} == dict(found.states)
    ids = Counter(ride.ride_id for ride in rides)
    assert (sum(n - 1 for n in ids.values()) if layout == "lyft" else 0) == again
    # The service that received something odd reported it.
    assert {r: n for r, n in found.audit.anomalies.items() if n} == dict(
        found.replayed.anomalies
    )
    nothing = [ride for ride in rides if ride.started_at == ride.ended_at]
    assert nothing
    for reason in (FALSE_START, TOO_FAST, OVERDUE, CROWDED, MOVED):
        assert found.replayed.anomalies[reason], reason
    # The rules hold, among them that no station has more bikes in docks than docks.
    assert [] == found.audit.broken
    assert {"S01": 30, "S02": CAPACITY, "S03": 3} == found.docks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "tidy"),
    [
        ("lyft", days(1_000, every=8)),  # three days of it
        ("urban-sharing", days(250)),  # without a pause between two rides
    ],
    ids=LAYOUTS,
)
def test_a_messy_history_is_replayed_row_by_row_and_every_rule_holds(
    tmp_path: Path, layout: str, tidy: Iterator[Ride]
) -> None:
    """Stations over capacity, rides of no time and of thirty hours, ids that repeat."""
    rides = mess(tidy)
    check(replay_file(written(rides, tmp_path / "trips.csv", layout)), rides, layout)


@pytest.mark.slow
def test_the_same_history_is_replayed_alike_to_the_byte(tmp_path: Path) -> None:
    path = written(mess(days(75)), tmp_path / "trips.csv", "lyft")
    one, other = replay_file(path), replay_file(path)
    assert one.digest == other.digest
    assert repr(one.replayed) == repr(other.replayed)


@pytest.mark.slow
def test_a_ride_from_a_history_is_charged_exactly_once(tmp_path: Path) -> None:
    """Nobody has authorized it, which is reported; its fare follows the tariff."""
    rides = mess(days(75))
    path = written(rides, tmp_path / "trips.csv", "urban-sharing")
    found = replay_file(path, contexts=(*TARGETS, "billing"))
    assert [] == found.audit.close()
    assert len(rides) == found.audit.counts["billing.fare-charged"]
    assert len(rides) == found.audit.anomalies[NOT_AUTHORIZED]
