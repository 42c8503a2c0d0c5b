from datetime import datetime, timedelta

from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import Docked, Taken

HELD, GONE = ("available", "reserved", "non_operational"), ("on_trip", "removed")
UNITS = {1: timedelta(seconds=1), 2: timedelta(milliseconds=1)}


def translate(message):
    return [read(event, message) for event in message["events"]]


def read(event, message):
    try:
        return translated(event, message)
    except LookupError as error:
        return Unreadable(repr(error), str(event))


def translated(event, message):
    first, unit = message["protocol"] == 1, UNITS[message["protocol"]]
    station = message["rail"].removeprefix("LHV-")
    bike = event["vehicle"].removeprefix("LHV-")
    at = datetime.fromisoformat(message["sent"]) - event["age"] * unit
    clamp = event["clamp" if first else "lock"]
    state = event["state"] if first else event["state"][-1]
    if event["type"] == "vehicle" and state in HELD:
        return Docked(bike, station, f"{station}-{clamp:02d}", at)
    if event["type"] == "vehicle" and state in GONE:
        return Taken(bike, station, at)
    return Unreadable(f"{event['type']}: {state}", str(event))
