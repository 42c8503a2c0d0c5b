"""One ride is reported once, and one thing goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.core import Node

WAIT = 1.0  # seconds that the rider waits
SLOW = 3.0  # seconds that a slow service takes
URL = "http://rides/rides"


def service(trouble: str, status: int, saved: Callable[[], object]) -> Any:
    """Return a factory of `rides`, whose answers have this status.

    `trouble` is what goes wrong in it, if anything does; `saved` is called when the
    ride is in the database.
    """

    def rides(node: Node) -> FastAPI:
        app, db = FastAPI(), node.disk.connect()
        db.execute("CREATE TABLE rides (ride_id TEXT PRIMARY KEY)")

        @app.post("/rides", status_code=status)
        async def end(ride_id: str) -> str:
            await node.clock.sleep(SLOW if trouble == "slow" else 0.05)
            if trouble in {"refuses", "fails before"}:
                raise HTTPException(status)
            db.execute("INSERT INTO rides VALUES (?)", [ride_id])
            db.commit()
            saved()
            await node.clock.sleep(0.05)
            return ride_id

        return app

    return rides


def disturb(world: Any, trouble: str) -> None:
    """Let something go wrong with the network, or with the process of `rides`."""
    network = world.network
    match trouble:
        case "lost request":
            network.lose("rider", "rides", kind="request")
        case "lost reply":
            network.lose("rides", "rider", kind="reply")
        case "partition":
            network.partition("rider", "rides")
        case "down":
            world.crash("rides")
        case "crashes before" | "crashes after":
            world.after(0.02 if "before" in trouble else 0.08, world.crash, "rides")


async def report(
    world: Any, error: type[httpx.TransportError] | None
) -> httpx.Response | httpx.HTTPError:
    """Report the ride; return the response or the exception that the rider gets.

    The simulated network distinguishes fewer failures than a real one: `error` is the
    one that a real client may raise here. After a `PoolTimeout` nothing was sent.
    """
    if error is httpx.PoolTimeout:
        return error("no connection is free", request=httpx.Request("POST", URL))
    try:
        client: httpx.AsyncClient = world.client("rider", timeout=WAIT)
        return await client.post(URL, params={"ride_id": "ride-1"})
    except httpx.HTTPError as raised:
        return raised if error is None else error(str(raised), request=raised.request)
