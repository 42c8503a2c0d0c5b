"""Billing, which is asked to charge rides over a bad network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel

from movingparts.core import Empirical, Node

OUTAGE = 1_200.0  # seconds, or until so many messages were sent in vain
IN_VAIN = 150
MANY = 100  # requests that billing gets from a caller that never has enough
# One message in ten takes longer than the 5 s after which a client gives up.
SLOW = Empirical((*[0.01] * 9, 8.0))
NETWORKS: dict[str, dict[str, Any]] = {
    "lossy": {"loss": 0.3, "duplicate": 0.15},
    "slow": {"latency": SLOW},
    "everything": {"latency": SLOW, "loss": 0.2, "duplicate": 0.15},
}


class Charge(BaseModel):
    """What billing is asked to charge."""

    ride_id: str
    cents: int


@dataclass
class Billing:
    """Billing: it reports each charge, and each id that is used for a second ride.

    The next `busy` requests are answered 503. `flooded` is called at request `MANY`.
    """

    charged: Callable[[str], object]
    conflict: Callable[[str], object]
    flooded: Callable[[], object]
    requests: int = 0
    busy: int = 0

    async def admit(self) -> None:
        """Count a request; answer 503 while billing is busy."""
        self.requests += 1
        if self.requests == MANY:
            self.flooded()
        if self.busy:
            self.busy -= 1
            raise HTTPException(503, "busy: nothing was done")

    def service(self, node: Node) -> FastAPI:
        """Make the service; its table `charges` is on the node's disk."""
        app, db = FastAPI(dependencies=[Depends(self.admit)]), node.disk.connect()
        db.execute("CREATE TABLE IF NOT EXISTS charges (charge_id, ride_id, cents)")

        @app.post("/charges", status_code=201)
        async def create(charge: Charge) -> Charge:
            return await put(node.new_id(), charge)

        @app.put("/charges/{charge_id}", status_code=201)
        async def put(charge_id: str, charge: Charge) -> Charge:
            row = (charge.ride_id, charge.cents)
            query = "SELECT ride_id, cents FROM charges WHERE charge_id = ?"
            there = db.execute(query, [charge_id]).fetchone()
            if there is None:
                db.execute("INSERT INTO charges VALUES (?, ?, ?)", [charge_id, *row])
                db.commit()
                self.charged(f"charged: {charge.ride_id}")
                await node.clock.sleep(0.02)  # a crash may come before the answer
            elif tuple(there) != row:
                if there["ride_id"] != charge.ride_id:
                    self.conflict(charge_id)
                raise HTTPException(409, "this id belongs to another charge")
            return charge

        @app.get("/rides/{ride_id}/charges")
        async def of_ride(ride_id: str) -> list[Charge]:
            query = "SELECT ride_id, cents FROM charges WHERE ride_id = ?"
            found = [Charge(**row) for row in db.execute(query, [ride_id])]
            if not found:
                raise HTTPException(404, "no charge for this ride")
            return found

        return app


def disturb(world: Any, kind: str, billing: Billing) -> None:
    """Make the network bad, or bring billing down for a while."""
    tasks = world.node("operator").tasks
    conditions = NETWORKS.get(kind, {})
    world.network.between("rides", "billing", **{"latency": 0.02} | conditions)
    if kind == "outage":
        world.network.partition("rides", "billing")
        tasks.create_task(_heal(world))
    if kind == "restart":
        world.after(0.03, world.crash, "billing")  # it has written, not answered
        tasks.create_task(_restart(world, billing))


async def _heal(world: Any) -> None:
    while world.clock.monotonic() < OUTAGE:
        await world.clock.sleep(10)
        if len(world.recording.messages) > IN_VAIN:
            break
    world.network.heal()


async def _restart(world: Any, billing: Billing) -> None:
    await world.clock.sleep(0.1)
    billing.busy = 2
    await world.restart("billing")
