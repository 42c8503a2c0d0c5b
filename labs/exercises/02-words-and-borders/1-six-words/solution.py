CHANGES = {  # what each event changes
    "stations.bike-docked": lambda _: {"docked": True},
    "stations.bike-left": lambda _: {"docked": False},
    "stations.dock-changed": lambda data: {"jammed": data["jammed"]},
    "rides.ride-started": lambda _: {"riding": True},
    "rides.ride-ended": lambda _: {"riding": False},
    "fleet.condition-changed": lambda d: {"fit": d["vehicle_state"] == "available"},
    "availability.bike-reserved": lambda _: {"reserved": True},
    "availability.reservation-closed": lambda _: {"reserved": False},
    "riders.standing-changed": lambda data: {"good": data["standing"] == "good"},
    "billing.payment-authorized": lambda _: {"paid": True},
    "billing.fare-charged": lambda _: {"paid": False},
}


def available(events):
    known = dict.fromkeys(("docked", "jammed", "riding", "reserved", "paid"), False)
    known |= {"fit": True, "good": True}
    for name, data in events:
        known |= CHANGES.get(name, lambda _: {})(data)
    locked = known["docked"] and not known["jammed"]
    return {
        "stations": locked,
        "rides": not known["riding"],
        "fleet": known["fit"],
        "availability": locked and known["fit"] and not known["reserved"],
        "riders": known["good"],
        "billing": known["paid"],
    }
