"""Stanchion, a second vendor of docks, for exercise 2.3: what its rails send.

Each message comes with what it means in the city's words, so that no reader of it
has to be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from fastapi import FastAPI

from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import (
    BikeId,
    Docked,
    DockId,
    DockState,
    Report,
    StationId,
    Taken,
)
from movingparts.core import Recording

PREFIX = "LHV-"  # of all names, at this customer
HELD = ("available", "reserved", "non_operational")
GONE = ("on_trip", "removed")
UNIT = {1: 1, 2: 1_000}  # what `age` counts in a second
NOON = datetime(2031, 5, 5, 12, tzinfo=UTC)
BIKES = ("B0212", "B0007", "V0138", "H0041")
Item = Report | Unreadable


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A message, and what each of its events means; None is for what means nothing.

    `kind` says what is special about it: "plain", "fields" where it has new ones,
    "head" where the message as a whole means nothing, or "".
    """

    message: Any
    meant: list[Report | None]
    kind: str = ""


@dataclass(slots=True)
class Rail:
    """A rail that has events to send, in the words of its version.

    `hours` is the offset of its clock from UTC.
    """

    version: int = 1
    station: str = "S03"
    hours: int = 0
    sent: datetime = NOON
    events: list[Any] = field(default_factory=list)
    meant: list[Report | None] = field(default_factory=list)

    def vehicle(
        self, bike: str, *states: str, clamp: Any = 7, ago: float = 5, **more: Any
    ) -> Rail:
        """Have a vehicle go through some states; the last one says where it is.

        A vehicle that left can do so without a `clamp` (`...`).
        """
        at, place = self.sent - timedelta(seconds=ago), StationId(self.station)
        meant: Report | None = None
        if states[-1] in HELD:
            meant = Docked(BikeId(bike), place, self._dock(clamp), at)
        elif states[-1] in GONE:
            meant = Taken(BikeId(bike), place, at)
        named = {"vehicle": f"{PREFIX}{bike}"}
        return self._add("vehicle", clamp, states, ago, meant, {**named, **more})

    def clamp(self, clamp: int, *states: str, ago: float = 5, **more: Any) -> Rail:
        """Have a clamp jam, or work again."""
        at, place = self.sent - timedelta(seconds=ago), StationId(self.station)
        dock, known = self._dock(clamp), {"jammed": True, "ok": False}
        meant = None
        if states[-1] in known:
            meant = DockState(place, dock, known[states[-1]], at)
        return self._add("clamp", clamp, states, ago, meant, more)

    def odd(self, event: Any) -> Rail:
        """Add an event that means nothing in the city's words."""
        self.events.append(event)
        self.meant.append(None)
        return self

    def message(self, kind: str = "plain", **head: Any) -> Sent:
        """Return the message; what is `...` in its head is left out."""
        local = self.sent.astimezone(timezone(timedelta(hours=self.hours)))
        whole = {"protocol": self.version, "rail": f"{PREFIX}{self.station}"}
        whole |= {"sent": local.isoformat(), "events": self.events, **head}
        return Sent(_given(whole), [None] if kind == "head" else self.meant, kind)

    def event(self, **parts: Any) -> dict[str, Any]:
        """Return a vehicle event with other parts; what is `...` is left out."""
        rail = Rail(self.version, self.station).vehicle(BIKES[0], "available")
        return _given({**rail.events[0], **parts})

    def _add(
        self,
        kind: str,
        clamp: Any,
        states: tuple[str, ...],
        ago: float,
        meant: Report | None,
        more: dict[str, Any],
    ) -> Rail:
        first = self.version == 1
        body = {"type": kind, "clamp" if first else "lock": clamp}
        body |= {"state": states[-1] if first else list(states)}
        body |= {"age": round(ago * UNIT[self.version]), **more}
        self.events.append(_given(body))
        self.meant.append(meant)
        return self

    def _dock(self, clamp: int) -> DockId:
        return DockId(f"{self.station}-{clamp:02d}")


def _given(whole: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in whole.items() if part is not ...}


@cache
def sent() -> tuple[Sent, ...]:
    """Return all messages, the simplest first."""
    return (*_simple(), *_odd(), *_bad_heads())


def _simple() -> Iterator[Sent]:
    for version in (1, 2):
        for state in (*HELD, *GONE):
            yield Rail(version).vehicle(BIKES[0], state).message()
        for state in ("jammed", "ok"):
            yield Rail(version).clamp(2, state).message()
        for hours in (2, -5):
            yield Rail(version, hours=hours).vehicle(BIKES[1], "on_trip").message()
        for ago in (0, 3, 90, 4 * 3_600, 50 * 3_600):
            yield Rail(version).vehicle(BIKES[2], "available", ago=ago).message()
        yield Rail(version, "L07").vehicle(BIKES[3], "available", clamp=12).message()
        yield Rail(version).message()
        again = Rail(version).vehicle(BIKES[0], "on_trip").vehicle(BIKES[0], "on_trip")
        yield again.message("")
        turned = Rail(version).vehicle(BIKES[0], "on_trip", ago=5)
        yield turned.vehicle(BIKES[0], "available", clamp=3, ago=50).message("")
        yield Rail(version).vehicle(BIKES[1], "removed", clamp=...).message()
    for through in (
        ("on_trip", "available"),
        ("reserved", "on_trip"),
        ("available", "on_trip", "non_operational"),
        ("available", "reserved", "removed"),
    ):
        yield Rail(2).vehicle(BIKES[0], *through).message("")
    yield Rail(2).clamp(2, "jammed", "ok").message("")
    yield Rail(2).vehicle(BIKES[0], "on_trip", battery=81).message("fields")
    yield Rail(2).clamp(2, "ok", torque=3).message("fields", firmware="2.0.1", signal=7)


def _odd() -> Iterator[Sent]:
    """Yield messages with an event that means nothing among others that are clear."""
    for version in (1, 2):
        rail, lock = Rail(version), "clamp" if version == 1 else "lock"
        odd: list[Any] = [
            rail.event(type="trailer"),
            rail.event(
                type="trailer", state="on_trip" if version == 1 else ["on_trip"]
            ),
            rail.event(type="charger", state="jammed" if version == 1 else ["jammed"]),
            {"type": "heartbeat", "battery": 12},
            rail.event(vehicle=...),
            rail.event(state=...),
            rail.event(age=...),
            rail.event(type=...),
            rail.event(**{lock: "seven"}),
            rail.event(vehicle=5),
            rail.event(age=10**30),
            rail.event(age=None),
            "reboot",
            None,
        ]
        for state in ("non_contactable", "jammed", "worn"):
            yield Rail(version).vehicle(BIKES[0], state).message("")
            yield Rail(version).vehicle(BIKES[0], "on_trip", state).message("")
        for state in ("available", "worn", "on_trip"):
            yield Rail(version).clamp(2, state).message("")
            yield Rail(version).clamp(2, "ok", state).message("")
        yield Rail(version).odd(rail.event(state=[])).message("")
        for event in odd:
            yield Rail(version).odd(event).message("")
            mixed = Rail(version).vehicle(BIKES[1], "available").odd(event)
            yield mixed.clamp(2, "jammed").message("")
    for version, hours in ((1, 2), (2, -5)):
        batch = Rail(version, "V12", hours).vehicle(BIKES[2], "removed", clamp=30)
        batch = batch.clamp(11, "jammed", ago=200_000).odd({"type": "heartbeat"})
        yield batch.vehicle(BIKES[1], "reserved", ago=9_000).message("")


def _bad_heads() -> Iterator[Sent]:
    """Yield messages that mean nothing as a whole."""
    for version in (1, 2):
        two = Rail(version).vehicle(BIKES[0], "available").clamp(2, "ok")
        bad: tuple[dict[str, Any], ...] = (
            *({"protocol": protocol} for protocol in (3, "two", None, ...)),
            *({"sent": text} for text in ("yesterday", "2031-05-05T12:00:00", 7, ...)),
            *({"events": events} for events in ("none", None, {"type": "x"}, ...)),
            *({"rail": rail} for rail in (None, 12, ...)),
        )
        for head in bad:
            yield two.message("head", **head)
    nothing: tuple[Any, ...] = ({}, [], "hello", None, 7)
    for whole in nothing:
        yield Sent(whole, [None], "head")


def in_words(item: Item | None) -> str:
    """Return what an item says, in a few words."""
    if item is None or isinstance(item, Unreadable):
        return "Unreadable"
    at = f"at {item.at:%H:%M:%S%z on %d %B}"
    if isinstance(item, DockState):
        return f"dock {item.dock_id} {'jammed' if item.jammed else 'works'} {at}"
    if isinstance(item, Taken):
        return f"bike {item.bike_id} left {item.station_id} {at}"
    return f"bike {item.bike_id} in dock {item.dock_id} of {item.station_id} {at}"


def filmed(each: Sent, items: Sequence[Item] | None) -> Recording:
    """Record a rail that sends a message to stations, which read it as these items.

    Where they are None, reading failed, and the rail sends it again.
    """
    from movingparts.world.simulated import simulate

    async def scenario(world: Any) -> None:
        await world.serve("stations", lambda _: _border(items))
        world.note("rail", "; ".join(map(in_words, each.meant)) or "nothing new")
        url, rail = "http://stations/stanchion", world.client("rail")
        for _ in range(1 if items is not None else 3):
            await rail.post(url, json=each.message)
            await world.clock.sleep(5.0)
        if items is not None:
            read = "; ".join(map(in_words, items)) or "nothing"
            world.note("stations", f"has read: {read}")

    return simulate(scenario, seed=0)


def _border(items: Sequence[Item] | None) -> FastAPI:
    app = FastAPI(title="The border of stations")

    @app.post("/stanchion", status_code=202)
    async def from_the_vendor() -> None:
        if items is None:
            raise ValueError("translate failed")

    return app
