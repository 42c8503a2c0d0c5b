from datetime import datetime

KEYS = ("stations", "rides", "fleet", "availability", "riders", "billing")


def available(events, now):
    docked, fit, until = False, False, None
    for name, data in events:
        if name == "stations.bike-docked":
            docked = data["dock_id"] is not None
        elif name == "stations.bike-left":
            docked = False
        elif name == "fleet.condition-changed":
            fit = data["vehicle_state"] == "available"
        elif name == "availability.bike-reserved":
            until = datetime.fromisoformat(data["until"])
    return dict.fromkeys(KEYS, docked and fit and (until is None or now > until))
