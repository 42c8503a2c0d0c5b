from datetime import datetime

CHANGES = {  # what each event changes: the bike, the rider, the ride
    "stations.bike-docked": lambda d: {"dock": d["dock_id"], "jammed": False},
    "stations.bike-left": lambda _: {"dock": None},
    "stations.dock-changed": lambda d: {"jammed": d["jammed"]},
    "stations.anomaly-found": lambda _: {"fit": False},
    "rides.ride-started": lambda _: {"riding": True},
    "rides.ride-ended": lambda _: {"riding": False},
    "rides.ride-cancelled": lambda _: {"paid": False},
    "fleet.condition-changed": lambda d: {"fit": d["vehicle_state"] == "available"},
    "riders.standing-changed": lambda d: {"good": d["standing"] == "good"},
    "billing.payment-authorized": lambda _: {"paid": True},
    "billing.fare-charged": lambda _: {"paid": False},
    "availability.bike-reserved": lambda d: {"until": d["until"]},
    "availability.reservation-closed": lambda _: {"until": None},
}


def available(events, now):
    known = {"dock": None, "jammed": False, "riding": False, "fit": False}
    known |= {"good": False, "paid": False, "until": None}
    for name, data in events:
        known |= CHANGES.get(name, lambda _: {})(data)
    locked = known["dock"] is not None and not known["jammed"]
    until = known["until"]
    reserved = until is not None and now < datetime.fromisoformat(until)
    return {
        "stations": locked,
        "rides": not known["riding"],
        "fleet": known["fit"],
        "availability": locked and known["fit"] and not reserved,
        "riders": known["good"],
        "billing": known["paid"],
    }
