"""The border to the vendor of the docks: its words come in, ours go on.

DockLink speaks of hubs, slots, vehicles and of what the vehicle's state became, in the
vocabulary of MDS. Its second version has renamed three fields, writes slots as text,
counts milliseconds and lists event types; nothing behind this module knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, ValidationError

from movingparts.city.stations.model import (
    BikeId,
    Docked,
    DockId,
    DockState,
    Refused,
    Report,
    StationId,
    Taken,
    Unlock,
)
from movingparts.published_language import Reader

ARRIVALS = {"trip_end", "provider_drop_off"}
DEPARTURES = {"trip_start", "rebalance_pick_up", "maintenance_pick_up"}
ALARMS = {"jammed": True, "cleared": False}


class _First(BaseModel):
    slot: int = Field(ge=1)
    veh: str = ""
    event_type: str = ""
    alarm: str = ""
    ts: int


class _Second(BaseModel):
    slot: str = Field(pattern=r"^0*[1-9][0-9]*$")
    vehicle_id: str = ""
    event_types: list[str] = []
    alarm: str = ""
    timestamp: int


class _Message(BaseModel):
    fw: Literal["1", "2"]
    hub: str = Field(min_length=1)
    events: list[Any]  # each is read for itself, so that one bad one spoils no other


class _Opened(BaseModel):
    ts: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that could not be translated, and why; it is kept, not dropped."""

    why: str
    text: str


def translate(message: object) -> list[Report | Unreadable]:
    """Return what a hub's message reports, in our words and in its order.

    >>> left = {"slot": 7, "veh": "B7", "event_type": "trip_start", "ts": 1935734400}
    >>> translate({"fw": "1", "hub": "S03", "events": [left]})
    [Taken(bike_id='B7', station_id='S03',
      at=datetime.datetime(2031, 5, 5, 8, 0, tzinfo=datetime.timezone.utc))]
    """
    try:
        parsed = _Message.model_validate(message)
    except ValidationError as error:
        return [Unreadable(_first(error), str(message))]
    read = _read_first if parsed.fw == "1" else _read_second
    return [_translated(read, parsed.hub, event) for event in parsed.events]


def _translated(
    read: Callable[[str, object], Report], hub: str, event: object
) -> Report | Unreadable:
    try:
        return read(hub, event)
    except (ValueError, OverflowError, OSError) as error:
        # There is no such event, or no such time.
        why = str(error)
        if isinstance(error, ValidationError):
            why = _first(error)
        return Unreadable(why, f"{hub}: {event}")


def _read_first(hub: str, event: object) -> Report:
    parsed = _First.model_validate(event)
    moment = datetime.fromtimestamp(parsed.ts, UTC)
    if parsed.alarm:
        return _alarm(hub, parsed.slot, parsed.alarm, moment)
    return _movement(hub, parsed.slot, parsed.veh, parsed.event_type, moment)


def _read_second(hub: str, event: object) -> Report:
    parsed = _Second.model_validate(event)
    moment = datetime.fromtimestamp(parsed.timestamp // 1000, UTC)
    slot = int(parsed.slot)
    if parsed.alarm:
        return _alarm(hub, slot, parsed.alarm, moment)
    last = parsed.event_types[-1] if parsed.event_types else ""
    return _movement(hub, slot, parsed.vehicle_id, last, moment)


def _movement(
    hub: str, slot: int, vehicle: str, kind: str, at: datetime
) -> Docked | Taken:
    bike, station = BikeId(vehicle), StationId(hub)
    if vehicle and kind in ARRIVALS:
        return Docked(bike, station, _dock(hub, slot), at)
    if vehicle and kind in DEPARTURES:
        return Taken(bike, station, at)
    raise ValueError(f"vehicle {vehicle!r} and event {kind!r}")


def _alarm(hub: str, slot: int, alarm: str, at: datetime) -> DockState:
    if alarm not in ALARMS:
        raise ValueError(f"alarm {alarm!r}")
    return DockState(StationId(hub), _dock(hub, slot), ALARMS[alarm], at)


def _dock(hub: str, slot: int) -> DockId:
    return DockId(f"{hub}-{slot:02d}")


def _first(error: ValidationError) -> str:
    """Return what is wrong first, and where."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'message'}: {first['msg']}"


async def open_dock(client: httpx.AsyncClient, unlock: Unlock) -> datetime:
    """Have a dock let go of a bike; return when it did. Asked twice, it does so once.

    Raises `Refused`, and `httpx.TransportError`, after which it may have let go.
    """
    bike_id, until = unlock.bike_id, int(unlock.until.timestamp())
    reply = await client.post(
        f"http://docklink/hubs/{quote(unlock.station_id, safe='')}/open",
        json={"veh": bike_id, "ref": unlock.ride_id, "until": until},
    )
    if reply.status_code >= 500:
        raise httpx.RemoteProtocolError(reply.text)
    if reply.status_code != 200:
        raise Refused(f"the dock of bike {bike_id} did not open: {reply.text}")
    try:
        opened = _Opened.model_validate_json(reply.content)
        return datetime.fromtimestamp(opened.ts, UTC)
    except (ValueError, OverflowError, OSError) as error:  # no such answer, or time
        raise httpx.RemoteProtocolError(reply.text) from error


OUTSIDE: Mapping[str, Reader] = {"docklink.message": translate}
"""What is read of those who are no context of the city."""
