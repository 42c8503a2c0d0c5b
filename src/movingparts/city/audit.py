"""The city's rules, checked against the events that its contexts publish.

An audit knows the published language, but not how any context is written. It takes the
events of all contexts in the order of publication, and names each rule that they break.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fastapi import FastAPI

from movingparts.bus import Event
from movingparts.core import Node
from movingparts.published_language import ensure_stream

CONTEXTS = ("stations", "fleet", "riders", "availability", "billing", "rides")
PROMISED_FOR = timedelta(minutes=10)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Promise = tuple[str, str]  # the reservation's id, and the rider's


class Audit:
    """What is wrong with a city's day, a sentence each; nothing, if all rules held.

    >>> audit = Audit()
    >>> docked = {"bike_id": "B1", "station_id": "S1", "dock_id": "S1-01"}
    >>> audit.handle("stations.bike-docked", docked)
    >>> audit.handle("stations.bike-docked", {**docked, "station_id": "S2"})
    >>> audit.broken
    ['bike B1 is docked at S2 and was at S1']

    Leaves out: what no event reports, for example two riders on one bike.
    """

    def __init__(self, capacities: Mapping[str, int] | None = None) -> None:
        self.broken: list[str] = []
        self.counts: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._capacities = dict(capacities or {})
        self._at: dict[str, tuple[str, str | None]] = {}  # bike: station, dock
        self._promised: dict[Promise, dict[str, Any]] = {}
        self._holding: dict[tuple[str, str], Promise] = {}  # by rider, and by bike
        self._passes: dict[str, list[dict[str, Any]]] = {}
        self._authorized: set[str] = set()
        self._started: dict[str, dict[str, Any]] = {}
        self._riding: dict[str, str] = {}  # bike: ride
        self._ended: dict[str, dict[str, Any]] = {}
        self._charged: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Audit: {self.counts.total():,} events, {len(self.broken)} broken>"

    def handle(self, name: str, data: Mapping[str, Any]) -> None:
        """Take the next event, by its contract's name."""
        self.counts[name] += 1
        if name.endswith(".anomaly-found"):
            self.anomalies[data["reason"]] += 1
        check = getattr(self, f"_{name.replace('.', '_').replace('-', '_')}", None)
        if check is not None:
            check(dict(data))

    def close(self) -> list[str]:
        """Return the broken rules, also those broken by events that are missing."""
        for ride_id in self._ended:
            if self._charged[ride_id] != 1:
                times = self._charged[ride_id]
                self.broken.append(f"ride {ride_id} ended, and was charged {times} x")
        return self.broken

    # --- a bike is in one place, a dock holds one bike, a station has its capacity ---

    def _stations_bike_docked(self, message: dict[str, Any]) -> None:
        bike, place = message["bike_id"], (message["station_id"], message["dock_id"])
        if bike in self._at and self._at[bike] != place:
            before = self._at[bike][0]
            self._report(f"bike {bike} is docked at {place[0]} and was at {before}")
        if bike in self._riding and self._at.get(bike) is not None:
            self._report(f"bike {bike} is docked and on ride {self._riding[bike]}")
        if place[1] is not None:
            held = [b for b, at in self._at.items() if at == place and b != bike]
            if held:
                self._report(f"dock {place[1]} holds {held[0]} and {bike}")
        self._at[bike] = place
        taken = sum(at[0] == place[0] and at[1] is not None for at in self._at.values())
        if taken > self._capacities.get(place[0], taken):
            self._report(f"station {place[0]} holds {taken} bikes")

    def _stations_bike_left(self, message: dict[str, Any]) -> None:
        self._at.pop(message["bike_id"], None)

    # --- one promise a rider and a bike, which lapses -------------------------------

    def _availability_bike_reserved(self, message: dict[str, Any]) -> None:
        until = _time(message["until"])
        if until - _time(message["at"]) != PROMISED_FOR:
            self._report(f"reservation {message['reservation_id']} is until {until}")
        for key in (("rider", message["rider_id"]), ("bike", message["bike_id"])):
            held = self._promised.get(self._holding.get(key, ("", "")))
            if held and _time(held["until"]) > _time(message["at"]):
                first = held["reservation_id"]
                self._report(f"{' '.join(key)} has {first} and a second reservation")
            self._holding[key] = _promise(message)
        self._promised[_promise(message)] = message

    def _availability_reservation_closed(self, message: dict[str, Any]) -> None:
        promise = self._promised.pop(_promise(message), None)
        if promise is None:
            self._report(f"reservation {message['reservation_id']} closed, never made")
            return
        over = _time(message["at"]) >= _time(promise["until"])
        if over != (message["why"] == "expired"):
            what = f"reservation {message['reservation_id']} is {message['why']}"
            self._report(f"{what} at {message['at']}, and was until {promise['until']}")
        for key in (("rider", message["rider_id"]), ("bike", message["bike_id"])):
            if self._holding.get(key) == _promise(message):
                del self._holding[key]

    # --- no ride without a payment, one charge a ride, the right fare ---------------

    def _billing_payment_authorized(self, message: dict[str, Any]) -> None:
        self._authorized.add(message["ride_id"])

    def _riders_pass_bought(self, message: dict[str, Any]) -> None:
        self._passes.setdefault(message["rider_id"], []).append(message)

    def _rides_ride_started(self, message: dict[str, Any]) -> None:
        ride, bike = message["ride_id"], message["bike_id"]
        history = message["authorization_id"] == "history"
        if ride not in self._authorized and not history:
            self._report(f"ride {ride} began without an authorized payment")
        if bike in self._riding:
            self._report(f"bike {bike} is on rides {self._riding[bike]} and {ride}")
        self._started[ride], self._riding[bike] = message, ride

    def _rides_ride_ended(self, message: dict[str, Any]) -> None:
        ride = message["ride_id"]
        if ride not in self._started or ride in self._ended:
            self._report(f"ride {ride} ended twice, or had not begun")
        self._ended[ride] = message
        self._riding.pop(message["bike_id"], None)

    def _billing_fare_charged(self, message: dict[str, Any]) -> None:
        ride = message["ride_id"]
        self._charged[ride] += 1
        if ride not in self._ended:
            self._report(f"ride {ride} was charged, and has not ended")
            return
        if not isinstance(message["fare"]["amount"], str):
            self._report(f"the fare of ride {ride} is no decimal")
        fare, wanted = Decimal(message["fare"]["amount"]), self._fare(self._ended[ride])
        if fare != wanted:
            self._report(f"ride {ride} was charged {fare}, and costs {wanted}")

    def _fare(self, ended: Mapping[str, Any]) -> Decimal:
        """Calculate the fare again: 1 and 0.15 a minute, 18 a day, 30 minutes free."""
        begin, end = _time(ended["started_at"]), _time(ended["ended_at"])
        if ended["anomaly"].startswith("it ended at once"):
            return Decimal(0)
        minutes, days = -((begin - end) // MINUTE), (end - begin) // DAY + 1
        passes = self._passes.get(ended["rider_id"], [])
        covered = any(
            _time(each["valid_from"]) <= begin < _time(each["valid_until"])
            for each in passes
        )
        paid = max(0, minutes - 30) if covered else minutes
        price = Decimal(paid * 15 + (0 if covered else 100)) / 100
        return min(price, Decimal(18 * days))

    def _report(self, what: str) -> None:
        self.broken.append(what)


def _promise(message: Mapping[str, Any]) -> Promise:
    """Return a promise's key: two riders' apps may choose the same reservation id."""
    return message["reservation_id"], message["rider_id"]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def auditor(audit: Audit, contexts: Iterable[str] = CONTEXTS) -> Any:
    """Return the factory of a service that passes all contexts' events to an audit.

    An event that is delivered again (same source and id) counts once.
    """
    names = tuple(contexts)

    def factory(node: Node) -> FastAPI:
        received: set[tuple[str, str]] = set()

        async def handle(event: Event) -> None:
            if (event.source, event.id) in received:
                return
            received.add((event.source, event.id))
            audit.handle(event.type.removeprefix("city.larkhaven."), event.data)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            for context in names:
                await ensure_stream(node, context)
                durable = f"{node.name}-{context}"
                await node.bus.subscribe(f"{context}.*", handle, durable=durable)
            yield

        return FastAPI(title="Audit", lifespan=lifespan)

    return factory
