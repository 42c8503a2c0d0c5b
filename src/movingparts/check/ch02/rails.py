"""Stanchion, another vendor of docks: rails that hold bikes, and what they send.

A rail keeps what it could not send, and sends it later; it sends again what was not
taken. Its messages are of version 1 or 2, as the rail is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
from fastapi import FastAPI

from movingparts.city.stations.model import (
    BikeId,
    Docked,
    DockId,
    DockState,
    Report,
    StationId,
    Taken,
)
from movingparts.world.core import Node

PREFIX = "LHV-"  # the vendor's, for this customer
CLAMPS = 12
WINDOW = 1.0  # seconds that a rail waits for more to send
AGAIN = 5.0  # seconds after which it sends again what was not taken
TICK = {1: timedelta(seconds=1), 2: timedelta(milliseconds=1)}
HELD = ("available", "reserved", "non_operational")
GONE = ("on_trip", "removed")


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened at a rail: what it says of it, and what is to be read.

    `report` is None for what has no meaning in the city's words.
    """

    at: datetime
    body: dict[str, Any]
    states: tuple[str, ...]
    report: Report | None


@dataclass(slots=True)
class Rail:
    """One rail: its version, its clock's offset, its clamps, what it has to send."""

    station: str
    version: int = 1
    offset: int = 0  # hours from UTC, of its clock
    clamps: dict[int, str | None] = field(default_factory=dict)
    jammed: list[int] = field(default_factory=list)
    untold: list[Happened] = field(default_factory=list)
    line_up: bool = True
    telling: bool = False

    def clamp_of(self, bike: str) -> int | None:
        """Return the clamp that holds a bike."""
        return next((n for n, held in self.clamps.items() if held == bike), None)

    def message(self, now: datetime) -> dict[str, Any]:
        """Return all that it has to send, in the words of its version."""
        tick = TICK[self.version]
        sent = now - (now - datetime.fromtimestamp(0, now.tzinfo)) % tick
        local = sent.astimezone(timezone(timedelta(hours=self.offset)))
        text = local.isoformat(
            timespec="seconds" if self.version == 1 else "milliseconds"
        )
        events = [self._event(each, (sent - each.at) // tick) for each in self.untold]
        head = {"protocol": self.version, "rail": f"{PREFIX}{self.station}"}
        head |= {"sent": text.replace("+00:00", "Z")}
        if self.version == 2:
            head |= {"firmware": "2.0.1", "signal": -67}
        return {**head, "events": events}

    def _event(self, happened: Happened, age: int) -> dict[str, Any]:
        body = {"age": age, **happened.body}
        body["age"] = body.pop("age")  # the last, whoever has said it
        if self.version == 1:
            last = {"state": happened.states[-1]} if happened.states else {}
            return {**body, **last}
        if "clamp" in body:
            body["lock"] = body.pop("clamp")
        if isinstance(body.get("state"), str):
            body["state"] = [body["state"]]
        listed = {"state": list(happened.states)} if happened.states else {}
        return {**body, **listed, "battery": 81}


Sent = dict[str, list[Report | None]]  # by message: what is to be read in it


def text_of(message: object) -> str:
    """Return a message as a key."""
    return json.dumps(message, sort_keys=True)


class Stanchion:
    """All rails of a city; they send to `http://stations/stanchion`."""

    def __init__(self, node: Node, sent: Sent, rails: dict[str, Rail]) -> None:
        self._node, self._sent, self.rails = node, sent, rails

    def now(self, rail: Rail) -> datetime:
        """Return the time, as exact as a rail knows it."""
        now = self._node.clock.now()
        return now - (now - datetime.fromtimestamp(0, now.tzinfo)) % TICK[rail.version]

    def move(self, rail: Rail, bike: str, states: tuple[str, ...]) -> bool:
        """Have a bike come into a clamp, stay there, or leave it; say so."""
        clamp = rail.clamp_of(bike)
        if any(r is not rail and r.clamp_of(bike) for r in self.rails.values()):
            return False  # a bike is in one place
        if clamp is None and states[-1] in HELD:
            free = (n for n, held in rail.clamps.items() if held is None)
            clamp = next((n for n in free if n not in rail.jammed), None)
        if clamp is None:
            return False
        at, place = self.now(rail), StationId(rail.station)
        report: Report | None = None
        if states[-1] in HELD:
            rail.clamps[clamp] = bike
            report = Docked(BikeId(bike), place, dock_of(rail, clamp), at)
        elif states[-1] in GONE:
            rail.clamps[clamp] = None
            report = Taken(BikeId(bike), place, at)
        body = {"type": "vehicle", "clamp": clamp, "vehicle": f"{PREFIX}{bike}"}
        self.tell(rail, Happened(at, body, states, report))
        return True

    def jam(self, rail: Rail, clamp: int, jammed: bool) -> None:
        """Have a clamp jam, or work again."""
        rail.jammed = [each for each in rail.jammed if each != clamp]
        rail.jammed += [clamp] * jammed
        at, body = self.now(rail), {"type": "clamp", "clamp": clamp}
        report = DockState(StationId(rail.station), dock_of(rail, clamp), jammed, at)
        states = ("ok", "jammed") if jammed else ("jammed", "ok")
        self.tell(rail, Happened(at, body, states, report))

    def note(self, rail: Rail, body: dict[str, Any]) -> None:
        """Have a rail say something that is of no concern to the city."""
        self.tell(rail, Happened(self.now(rail), body, (), None))

    def tell(self, rail: Rail, happened: Happened) -> None:
        """Keep something to be sent, and see that it is."""
        rail.untold.append(happened)
        self.see_to(rail)

    def see_to(self, rail: Rail) -> None:
        """Begin to send, if there is a line and something to send."""
        if rail.line_up and rail.untold and not rail.telling:
            rail.telling = True
            self._node.tasks.create_task(self._send(rail), name=rail.station)

    async def _send(self, rail: Rail) -> None:
        try:
            await self._node.clock.sleep(WINDOW)
            while rail.line_up and rail.untold:
                count = len(rail.untold)
                message = rail.message(self._node.clock.now())
                meant = [happened.report for happened in rail.untold]
                if await self.post(message, meant):
                    del rail.untold[:count]
                else:
                    await self._node.clock.sleep(AGAIN)
        finally:
            rail.telling = False

    async def post(self, message: object, meant: list[Report | None]) -> bool:
        """Send a message; say whether it was taken."""
        self._sent[text_of(message)] = meant
        return await self.send(message)

    async def send(self, message: object) -> bool:
        """Send a message of which it is known what is to be read in it."""
        try:
            reply = await self._node.client.post(
                "http://stations/stanchion", json=message, timeout=3.0
            )
        except httpx.TransportError:
            return False
        return reply.status_code == 202


def dock_of(rail: Rail, clamp: int) -> DockId:
    """Return what the city calls a clamp."""
    return DockId(f"{rail.station}-{clamp:02d}")


def stanchion(sent: Sent, rails: dict[str, Rail]) -> Callable[[Node], FastAPI]:
    """Return the factory of the vendor's service: riders and trucks come to it."""

    def factory(node: Node) -> FastAPI:
        app, vendor = FastAPI(title="Stanchion"), Stanchion(node, sent, rails)

        @app.post("/{station}/{bike}/{states}")
        async def move(station: str, bike: str, states: str) -> bool:
            return vendor.move(rails[station], bike, tuple(states.split(",")))

        @app.put("/{station}/clamps/{clamp}/{jammed}", status_code=204)
        async def jam(station: str, clamp: int, jammed: bool) -> None:
            vendor.jam(rails[station], clamp, jammed)

        @app.post("/{station}/notes", status_code=204)
        async def note(station: str, body: dict[str, Any]) -> None:
            vendor.note(rails[station], body)

        @app.put("/{station}/line/{up}", status_code=204)
        async def line(station: str, up: bool) -> None:
            rails[station].line_up = up
            vendor.see_to(rails[station])

        @app.put("/{station}/version/{version}", status_code=204)
        async def upgrade(station: str, version: int) -> None:
            rails[station].version = version

        @app.post("/messages", status_code=202)
        async def send(body: dict[str, Any]) -> bool:
            return await vendor.send(body["message"])

        return app

    return factory
