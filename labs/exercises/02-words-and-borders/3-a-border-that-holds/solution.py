from datetime import datetime, timedelta

from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import Docked, DockState, Taken

UNIT = {1: timedelta(seconds=1), 2: timedelta(milliseconds=1)}
HELD, GONE = ("available", "reserved", "non_operational"), ("on_trip", "removed")
JAMMED = {"jammed": True, "ok": False}
ODD = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


def translate(message):
    try:
        version, sent = message["protocol"], datetime.fromisoformat(message["sent"])
        station, unit = message["rail"].removeprefix("LHV-"), UNIT[version]
        if sent.utcoffset() is None or not isinstance(message["events"], list):
            raise ValueError("`sent` has no offset, or `events` is no list")
    except ODD as error:
        return [Unreadable(repr(error), str(message))]
    return [one(event, version, station, sent, unit) for event in message["events"]]


def one(event, version, station, sent, unit):
    try:
        state = event["state"] if version == 1 else event["state"][-1]
        at, bike = sent - event["age"] * unit, event.get("vehicle")
        if event["type"] == "vehicle" and state in GONE:
            return Taken(bike.removeprefix("LHV-"), station, at)
        clamp = event["clamp" if version == 1 else "lock"]
        dock = f"{station}-{clamp:02d}"
        if event["type"] == "clamp":
            return DockState(station, dock, JAMMED[state], at)
        if event["type"] == "vehicle" and state in HELD:
            return Docked(bike.removeprefix("LHV-"), station, dock, at)
        return Unreadable(f"{event['type']}: {state}", str(event))
    except ODD as error:
        return Unreadable(repr(error), str(event))
