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
    version, station = message["protocol"], message["rail"].removeprefix("LHV-")
    age = event["age"] * UNITS[version]
    at, bike = datetime.fromisoformat(message["sent"]) - age, event["vehicle"]
    first = version == 1
    clamp = event["clamp" if first else "lock"]
    state = event["state"] if first else event["state"][-1]
    if event["type"] == "vehicle" and state in HELD:
        dock = f"{station}-{clamp:02d}"
        return Docked(bike.removeprefix("LHV-"), station, dock, at)
    if event["type"] == "vehicle" and state in GONE:
        return Taken(bike.removeprefix("LHV-"), station, at)
    return Unreadable(f"{event['type']}: {state}", str(event))
