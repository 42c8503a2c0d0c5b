"""Stanchion, a second vendor of docks, for exercise 2.3: what its rails send.

Each message comes with what it means in the city's words, so that no reader of it
has to be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from fastapi import FastAPI

from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import BikeId, Docked, DockId, StationId, Taken
from movingparts.core import Recording

PREFIX = "LHV-"  # of all names, at this customer
HELD = ("available", "reserved", "non_operational")
GONE = ("on_trip", "removed")
STATION, NOON = StationId("S03"), datetime(2031, 5, 5, 12, tzinfo=UTC)
HOUR = 3_600
Event = dict[str, Any]
Item = Docked | Taken | Unreadable


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A message, and what each of its events means; None is for what means nothing."""

    message: Any
    meant: list[Docked | Taken | None]


Translated = tuple[Event, Docked | Taken | None]  # an event, and what it means


def vehicle(
    version: int, *states: str, bike: str = "B0212", clamp: int = 7, ago: float = 5
) -> Translated:
    """Return an event of a vehicle that went through some states, and its meaning."""
    at, known = NOON - timedelta(seconds=ago), BikeId(bike)
    body = {"type": "vehicle", "clamp": clamp, "vehicle": PREFIX + bike}
    body |= {"state": states[-1], "age": ago}
    if version != 1:
        del body["clamp"]
        body |= {"lock": clamp, "state": [*states], "age": round(1_000 * ago)}
    if version not in (1, 2) or states[-1] not in (*HELD, *GONE):
        return body, None
    if states[-1] in GONE:
        return body, Taken(known, STATION, at)
    return body, Docked(known, STATION, DockId(f"{STATION}-{clamp:02d}"), at)


def message(version: int, *pairs: Translated, **more: Any) -> Sent:
    """Return a message with some events."""
    whole = {"protocol": version, "rail": PREFIX + STATION, "sent": NOON.isoformat()}
    whole |= {"events": [event for event, _ in pairs], **more}
    return Sent(whole, [meaning for _, meaning in pairs])


@cache
def sent() -> tuple[Sent, ...]:
    """Return all messages, the simplest first."""
    return (*_plain(), *_odd())


def _plain() -> Iterator[Sent]:
    for version in (1, 2):
        for state in (*HELD, *GONE):
            yield message(version, vehicle(version, state))
        for ago in (0, 3, 90, 4 * HOUR, 50 * HOUR):
            late = vehicle(version, "available", bike="V0138", clamp=12, ago=ago)
            yield message(version, late)
        again = vehicle(version, "on_trip", bike="H0041", ago=5)
        back = vehicle(version, "available", bike="H0041", clamp=3, ago=50)
        yield message(version, again, again, back)
        yield message(version)
    for through in (
        ("on_trip", "available"),
        ("reserved", "on_trip"),
        ("available", "on_trip", "non_operational"),
    ):
        yield message(2, vehicle(2, *through))
    yield message(2, vehicle(2, "on_trip", ago=0.5))
    event, meaning = vehicle(2, "on_trip")
    more = {**event, "battery": 81}
    yield message(2, (more, meaning), firmware="2.0.1")


def _odd() -> Iterator[Sent]:
    """Yield messages with an event that means nothing, alone and among clear ones."""
    for version in (1, 2):
        lock = "clamp" if version == 1 else "lock"
        event, _ = vehicle(version, "available")
        odd = [
            vehicle(version, "worn"),
            vehicle(version, "on_trip", "charging"),
            ({**event, "type": "trailer"}, None),
            ({"type": "heartbeat", "battery": 12}, None),
            *(({**event, "state": []}, None) for _ in range(version - 1)),
        ]
        needed = ("type", "vehicle", "state", "age", lock)
        odd += [
            ({name: event[name] for name in needed if name != gone}, None)
            for gone in needed
        ]
        clear = vehicle(version, "available", bike="B0007")
        for pair in odd:
            yield message(version, pair)
            yield message(version, clear, pair, vehicle(version, "removed"))
    yield message(3, vehicle(3, "available"), vehicle(3, "on_trip"))


def in_words(item: Item | None) -> str:
    """Return what an item says, in a few words."""
    if isinstance(item, Docked):
        where = f"in dock {item.dock_id} of {item.station_id}"
        return f"bike {item.bike_id} {where} at {_at(item)}"
    if isinstance(item, Taken):
        return f"bike {item.bike_id} left {item.station_id} at {_at(item)}"
    return "Unreadable"


def _at(item: Docked | Taken) -> str:
    at: object = item.at  # an answer can put anything there
    return f"{at:%H:%M:%S%z on %d %B}" if isinstance(at, datetime) else repr(at)


def filmed(each: Sent, items: Sequence[Item] | None) -> Recording:
    """Record a rail that sends a message to stations, which read it as these items.

    Where they are None, reading failed, and the rail sends it again.
    """
    from movingparts.world.simulated import simulate

    async def scenario(world: Any) -> None:
        await world.serve("stations", lambda _: _border(items))
        world.note("rail", "; ".join(map(in_words, each.meant)) or "nothing new")
        url, rail = "http://stations/stanchion", world.client("rail")
        for _ in range(1 if items is not None else 3):
            await rail.post(url, json=each.message)
            await world.clock.sleep(5.0)
        if items is not None:
            read = "; ".join(map(in_words, items)) or "nothing"
            world.note("stations", f"has read: {read}")

    return simulate(scenario, seed=0)


def _border(items: Sequence[Item] | None) -> FastAPI:
    app = FastAPI(title="The border of stations")

    @app.post("/stanchion", status_code=202)
    async def from_the_vendor() -> None:
        if items is None:
            raise ValueError("translate failed")

    return app
