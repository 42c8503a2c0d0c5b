"""Solutions to the exercises of lab 02, one section each."""

from datetime import datetime, timedelta

from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import Docked, DockState, Taken

# --- 2.1 Six words ----------------------------------------------------------------

SAYS = {  # what each event says of the bike, the rider and the ride
    "stations.bike-docked": lambda d: {"docked": d["dock_id"], "jammed": False},
    "stations.bike-left": lambda _: {"docked": None},
    "stations.dock-changed": lambda d: {"jammed": d["jammed"]},
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
    known = {"docked": None, "jammed": False, "riding": False, "fit": True}
    known |= {"good": False, "paid": False, "until": None}
    for name, data in events:
        known |= SAYS.get(name, lambda _: {})(data)
    locked = known["docked"] is not None and not known["jammed"]
    until = known["until"] and datetime.fromisoformat(known["until"])
    promised = until is not None and now < until
    return {
        "stations": locked,
        "rides": not known["riding"],
        "fleet": known["fit"],
        "availability": locked and known["fit"] and not promised,
        "riders": known["good"],
        "billing": known["paid"],
    }


# --- 2.2 Sort the wall ------------------------------------------------------------


def sort(board):
    contexts = {
        "people": "RiderSignedUp RiderSuspended PassBought",
        "promises": "BikeReserved ReservationExpired ReservationCollected",
        "money": "PaymentAuthorized PaymentDeclined FareCharged",
        "docks": "BikeUnlocked BikeDocked",
        "trips": "RideStarted RideEnded",
        "workshop": "BikeReportedFaulty BikeRepaired",
        "trucks": "RebalancingWanted BikesMoved",
    }
    return {
        event: name for name, events in contexts.items() for event in events.split()
    }


# --- 2.3 A border that holds ------------------------------------------------------

UNIT = {1: timedelta(seconds=1), 2: timedelta(milliseconds=1)}
HELD, GONE = ("available", "reserved", "non_operational"), ("on_trip", "removed")
JAMMED = {"jammed": True, "ok": False}
ODD = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


def translate(message):
    try:
        version, sent = message["protocol"], datetime.fromisoformat(message["sent"])
        station, unit = message["rail"].removeprefix("LHV-"), UNIT[version]
        if sent.utcoffset() is None or not isinstance(message["events"], list):
            raise ValueError("`sent` has no offset, or `events` are no list")
    except ODD as error:
        return [Unreadable(repr(error), str(message))]
    return [one(event, version, station, sent, unit) for event in message["events"]]


def one(event, version, station, sent, unit):
    try:
        state = event["state"] if version == 1 else event["state"][-1]
        clamp, at = event["clamp" if version == 1 else "lock"], event["age"] * unit
        dock, at = f"{station}-{clamp:02d}", sent - at
        if event["type"] == "clamp":
            return DockState(station, dock, JAMMED[state], at)
        bike = event["vehicle"].removeprefix("LHV-")
        if event["type"] == "vehicle" and state in HELD:
            return Docked(bike, station, dock, at)
        if event["type"] == "vehicle" and state in GONE:
            return Taken(bike, station, at)
        return Unreadable(f"{event['type']}: {state}", str(event))
    except ODD as error:
        return Unreadable(repr(error), str(event))


# --- 2.4 Who must change? ---------------------------------------------------------


def must_change(contexts, readings, change):
    if change.kind == "added":
        return set()
    told_by = {each.name for each in contexts if change.contract in each.publishes}
    return {
        name
        for (name, contract), fields in readings.items()
        if contract == change.contract and name not in told_by
        if change.kind == "withdrawn" or change.field in fields
    }


# --- 2.5 Parcel lockers -----------------------------------------------------------


def sort_parcels(board):
    contexts = {
        "lockers": "CompartmentReserved ReservationExpired CompartmentReleased"
        " DoorOpened DoorShut ParcelAnnounced ParcelStowed ParcelReturned",
        "pick-up": "CodeSent ParcelCollected CodeExpired ShopOpened ShopClosed",
        "merchants": "DeliveryCharged DeliveryCredited",
    }
    return {
        event: name for name, events in contexts.items() for event in events.split()
    }
