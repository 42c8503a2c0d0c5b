from datetime import datetime, timedelta

from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import Docked, DockState, Taken

LEFT = {"available": False, "reserved": False, "non_operational": False}
LEFT |= {"on_trip": True, "removed": True}


def translate(message):
    try:
        first = {1: True, 2: False}[message["protocol"]]
        events = list(message["events"])
        return [read(message, event, first) for event in events]
    except Exception as error:
        return [Unreadable(repr(error), str(message))]


def read(message, event, first):
    sent, station = datetime.fromisoformat(message["sent"]), message["rail"][4:]
    at = sent - timedelta(seconds=event["age"] / (1 if first else 1_000))
    state = event["state"] if first else event["state"][-1]
    dock = f"{station}-{event['clamp' if first else 'lock']:02d}"
    if sent.utcoffset() is None or event["type"] not in ("clamp", "vehicle"):
        raise ValueError(event)
    if event["type"] == "clamp":
        return DockState(station, dock, {"jammed": True, "ok": False}[state], at)
    bike = event["vehicle"][4:]
    return Taken(bike, station, at) if LEFT[state] else Docked(bike, station, dock, at)
