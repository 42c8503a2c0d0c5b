"""DockLink: the vendor of the city's docks, with its own vocabulary.

It is outside every context: a service that opens slots, and reports what moved in
them. Reports of a hub come in order, at least once, and late where its line was down.

Source: chapter 02; the states and types of events are those of MDS. Leaves out: the
vendor's own accounts, firmware, and a restart, which would empty its memory.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from movingparts.core import Node

AGAIN = 5.0  # seconds after which a report that was not taken is sent again
STATES = {
    "trip_end": "available",
    "provider_drop_off": "available",
    "trip_start": "on_trip",
    "rebalance_pick_up": "removed",
    "maintenance_pick_up": "removed",
}


class Fitted(BaseModel):
    """The slots of a hub: the vehicle in each, by number of slot."""

    slots: int
    vehicles: dict[int, str] = {}


class Vehicle(BaseModel):
    """A vehicle, and who moves it."""

    veh: str
    by: Literal["rider", "truck", "workshop"] = "rider"


class Wanted(Vehicle):
    """A vehicle to be let go: once for each `ref`, and not after `until`, if given."""

    ref: str = ""
    until: int | None = None


class Vehicles(BaseModel):
    """What a truck moves in one trip."""

    vehs: list[str]


class Moved(BaseModel):
    """What a truck could move."""

    vehs: list[str]


class Line(BaseModel):
    """Whether a hub reaches anybody."""

    up: bool


class Slot(BaseModel):
    """One slot of a hub."""

    slot: int
    jammed: bool = False


class Opened(BaseModel):
    """Which slot let go, and when, in seconds since 1970."""

    slot: int
    ts: int


@dataclass
class Hub:
    """The vehicles in a hub's slots, what it opened, and the messages not sent yet."""

    name: str
    slots: dict[int, str | None] = field(default_factory=dict)
    jammed: set[int] = field(default_factory=set)
    opened: dict[str, Opened] = field(default_factory=dict)  # by `ref`
    unsent: deque[dict[str, Any]] = field(default_factory=deque)
    line_up: bool = True
    sending: bool = False

    def slot_of(self, vehicle: str) -> int | None:
        """Return the slot that holds a vehicle."""
        return next((n for n, held in self.slots.items() if held == vehicle), None)

    def free(self) -> int | None:
        """Return the first slot that can take a vehicle."""
        able = (n for n, held in self.slots.items() if not held)
        return next((n for n in able if n not in self.jammed), None)


class DockLink:
    """All hubs of a city, and the reports that they send."""

    def __init__(self, node: Node, version: int, report_to: str) -> None:
        self._node, self._version, self._report_to = node, version, report_to
        self.hubs: dict[str, Hub] = {}

    def __repr__(self) -> str:
        return f"<DockLink {self._version}: {len(self.hubs)} hubs>"

    def hub(self, name: str) -> Hub:
        """Return a hub; 404 without one."""
        if name not in self.hubs:
            raise HTTPException(404, f"no hub {name!r}")
        return self.hubs[name]

    def fit(self, name: str, fitted: Fitted) -> None:
        """Have a hub, with vehicles in its slots."""
        hub = self.hubs.setdefault(name, Hub(name))
        hub.slots = {n: hub.slots.get(n) for n in range(1, fitted.slots + 1)}
        for slot, vehicle in sorted(fitted.vehicles.items()):
            self.insert(hub, Vehicle(veh=vehicle, by="truck"), slot)

    def insert(self, hub: Hub, vehicle: Vehicle, slot: int | None = None) -> int:
        """Push a vehicle into a slot; 409 where none takes it. One that is in stays."""
        known = hub.slot_of(vehicle.veh)
        if known is not None:
            return known
        slot = hub.free() if slot is None else slot
        if slot is None:
            raise HTTPException(409, "full")
        hub.slots[slot] = vehicle.veh
        kind = "trip_end" if vehicle.by == "rider" else "provider_drop_off"
        self._report(hub, slot, vehicle.veh, kind)
        return slot

    def open(self, hub: Hub, vehicle: Vehicle) -> int:
        """Let go of a vehicle; 409 if its slot is jammed, or it is in none."""
        slot = hub.slot_of(vehicle.veh)
        if slot is None:
            raise HTTPException(409, "not here")
        if slot in hub.jammed:
            raise HTTPException(409, "jammed")
        hub.slots[slot] = None
        kinds = {"rider": "trip_start", "truck": "rebalance_pick_up"}
        kind = kinds.get(vehicle.by, "maintenance_pick_up")
        self._report(hub, slot, vehicle.veh, kind)
        return slot

    def open_once(self, hub: Hub, wanted: Wanted) -> Opened:
        """Let go of a vehicle, or repeat the answer that its `ref` got."""
        if wanted.ref in hub.opened:
            return hub.opened[wanted.ref]
        if wanted.until is not None and self.seconds() > wanted.until:
            raise HTTPException(409, "too late")
        opened = Opened(slot=self.open(hub, wanted), ts=self.seconds())
        if wanted.ref:
            hub.opened[wanted.ref] = opened
        return opened

    def lift(self, hub: Hub, vehicles: list[str]) -> list[str]:
        """Let a truck take what is there and not jammed; return what that is."""
        once = dict.fromkeys(vehicles)
        there = [veh for veh in once if hub.slot_of(veh) not in (None, *hub.jammed)]
        for veh in there:
            self.open(hub, Vehicle(veh=veh, by="truck"))
        return there

    def load(self, hub: Hub, vehicles: list[str]) -> list[str]:
        """Let a truck put in as much as there is room for; return what that is."""
        loaded = []
        for veh in vehicles:
            slot = hub.free()
            if slot is not None:
                self.insert(hub, Vehicle(veh=veh, by="truck"), slot)
                loaded.append(veh)
        return loaded

    def jam(self, hub: Hub, slot: Slot) -> None:
        """Make a slot jam or work again, and report it."""
        change = hub.jammed.add if slot.jammed else hub.jammed.discard
        change(slot.slot)
        self._report(hub, slot.slot, "", "", "jammed" if slot.jammed else "cleared")

    def seconds(self) -> int:
        """Return the time, as the vendor counts it."""
        return int(self._node.clock.now().timestamp())

    def set_line(self, hub: Hub, up: bool) -> None:
        """Disconnect a hub, or connect it again: then it sends what it buffered."""
        hub.line_up = up
        self._send_pending(hub)

    def _report(
        self, hub: Hub, slot: int, vehicle: str, kind: str, alarm: str = ""
    ) -> None:
        report: dict[str, Any] = {"vehicle_state": STATES[kind]} if kind else {}
        if self._version == 1:
            report |= {"slot": slot, "ts": self.seconds()}
            report |= {"veh": vehicle, "event_type": kind} if kind else {}
        else:
            report |= {"slot": f"{slot:02d}", "timestamp": 1000 * self.seconds()}
            report |= {"vehicle_id": vehicle, "event_types": [kind]} if kind else {}
        hub.unsent.append({**report, **({"alarm": alarm} if alarm else {})})
        self._send_pending(hub)

    def _send_pending(self, hub: Hub) -> None:
        if hub.line_up and not hub.sending and hub.unsent:
            hub.sending = True
            self._node.tasks.create_task(self._send_all(hub), name=f"hub {hub.name}")

    async def _send_all(self, hub: Hub) -> None:
        """Send a hub's messages in order, each until it is accepted."""
        try:
            while hub.line_up and hub.unsent:
                message = {"fw": str(self._version), "hub": hub.name}
                events = list(hub.unsent)
                if await self._taken({**message, "events": events}):
                    for _ in events:
                        hub.unsent.popleft()
                else:
                    await self._node.clock.sleep(AGAIN)
        finally:
            hub.sending = False

    async def _taken(self, message: dict[str, Any]) -> bool:
        try:
            reply = await self._node.client.post(self._report_to, json=message)
        except httpx.TransportError:
            return False
        return reply.status_code == 202


def docklink(
    node: Node, *, version: int = 1, report_to: str = "http://stations/docklink"
) -> FastAPI:
    """Serve the vendor's hubs; `version` is that of its messages, 1 or 2."""
    app, link = FastAPI(title="DockLink"), DockLink(node, version, report_to)

    @app.put("/hubs/{name}", status_code=204)
    async def fit(name: str, fitted: Fitted) -> None:
        link.fit(name, fitted)

    @app.get("/hubs/{name}")
    async def show(name: str) -> dict[int, str | None]:
        return link.hub(name).slots

    @app.post("/hubs/{name}/insert")
    async def insert(name: str, vehicle: Vehicle) -> Slot:
        return Slot(slot=link.insert(link.hub(name), vehicle))

    @app.post("/hubs/{name}/open")
    async def open_(name: str, wanted: Wanted) -> Opened:
        return link.open_once(link.hub(name), wanted)

    @app.post("/hubs/{name}/lift")
    async def lift(name: str, vehicles: Vehicles) -> Moved:
        return Moved(vehs=link.lift(link.hub(name), vehicles.vehs))

    @app.post("/hubs/{name}/load")
    async def load(name: str, vehicles: Vehicles) -> Moved:
        return Moved(vehs=link.load(link.hub(name), vehicles.vehs))

    @app.put("/hubs/{name}/alarm", status_code=204)
    async def alarm(name: str, slot: Slot) -> None:
        link.jam(link.hub(name), slot)

    @app.put("/hubs/{name}/line", status_code=204)
    async def line(name: str, line: Line) -> None:
        link.set_line(link.hub(name), line.up)

    return app
