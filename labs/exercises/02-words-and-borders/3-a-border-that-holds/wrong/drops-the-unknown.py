from datetime import datetime, timedelta

from movingparts.city.stations.model import Docked, DockState, Taken


def translate(message):
    items = []
    try:
        first, sent = {1: True, 2: False}[message["protocol"]], message["sent"]
        station, sent = message["rail"][4:], datetime.fromisoformat(sent)
        events = message["events"] if sent.tzinfo else []
    except (LookupError, TypeError, ValueError):
        return []
    for event in events if isinstance(events, list) else []:
        try:
            age = timedelta(seconds=event["age"] if first else event["age"] / 1_000)
            state = event["state"] if first else event["state"][-1]
            dock = f"{station}-{event['clamp' if first else 'lock']:02d}"
            where = (station, dock, sent - age)
            bike = event.get("vehicle", "LHV-")[4:]
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            continue
        match event.get("type"), state:
            case "clamp", "jammed" | "ok":
                items.append(DockState(station, dock, state == "jammed", where[2]))
            case "vehicle", "on_trip" | "removed":
                items.append(Taken(bike, station, where[2]))
            case "vehicle", "available" | "reserved" | "non_operational":
                items.append(Docked(bike, *where))
    return items
