"""One class for a bike, and three teams that use it: rental, docks and workshop.

`bikes` keeps what all three know of a bike. Each of the others is right about its own
part, and changes the one flag by what the word means to it.

Source: chapter 02. Leaves out: everything else that a bike share does.
"""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from movingparts.core import Node, World

DUE = 600  # minutes on the road after which the workshop wants to see a bike


async def serve_teams(world: World, *, due: int = DUE) -> None:
    """Start the services of the three teams, and `bikes`."""
    for make in (bikes, rental, docks):
        await world.serve(make.__name__, make)
    await world.serve("workshop", partial(workshop, due=due))


class Bike(BaseModel):
    """A bike, as everybody knows it.

    >>> Bike(bike_id="212")
    Bike(bike_id='212', available=True, minutes=0)
    """

    bike_id: str
    available: bool = True
    minutes: int = 0


class Fault(BaseModel):
    """What is wrong with a bike."""

    what: str


def bikes(node: Node) -> FastAPI:
    """Keep the bikes of a city, one table for all teams."""
    app, db = FastAPI(title="bikes"), node.disk.connect()
    db.execute("CREATE TABLE IF NOT EXISTS bikes (bike_id TEXT PRIMARY KEY, bike TEXT)")

    @app.get("/bikes/{bike_id}")
    async def show(bike_id: str) -> Bike:
        query = "SELECT bike FROM bikes WHERE bike_id = ?"
        row = db.execute(query, [bike_id]).fetchone()
        return Bike.model_validate_json(row["bike"]) if row else Bike(bike_id=bike_id)

    @app.put("/bikes/{bike_id}")
    async def save(bike_id: str, bike: Bike) -> Bike:
        values = [bike_id, bike.model_dump_json()]
        with db:
            db.execute("INSERT OR REPLACE INTO bikes VALUES (?, ?)", values)
        return bike

    return app


async def read(node: Node, bike_id: str) -> Bike:
    """Return a bike's current state."""
    reply = await node.client.get(f"http://bikes/bikes/{bike_id}")
    return Bike.model_validate(reply.json())


async def write(node: Node, bike: Bike) -> None:
    """Save a bike."""
    address = f"http://bikes/bikes/{bike.bike_id}"
    await node.client.put(address, json=bike.model_dump())


def rental(node: Node) -> FastAPI:
    """Promise bikes to riders: an available bike is one that can be promised."""
    app = FastAPI(title="rental")

    @app.put("/reservations/{bike_id}")
    async def reserve(bike_id: str) -> str:
        bike = await read(node, bike_id)
        if not bike.available:
            raise HTTPException(409, f"bike {bike_id} is not available")
        return f"bike {bike_id} is yours for ten minutes"

    return app


def docks(node: Node) -> FastAPI:
    """Let bikes go and take them in: an available bike is one that is in a dock."""
    app = FastAPI(title="docks")

    @app.post("/unlocked/{bike_id}")
    async def unlock(bike_id: str) -> str:
        bike = await read(node, bike_id)
        if not bike.available:
            raise HTTPException(409, f"bike {bike_id} is not available")
        await write(node, bike.model_copy(update={"available": False}))
        return f"bike {bike_id} is out"

    @app.post("/docked/{bike_id}")
    async def dock(bike_id: str, minutes: int) -> str:
        bike = await read(node, bike_id)
        ridden = {"available": True, "minutes": bike.minutes + minutes}
        await write(node, bike.model_copy(update=ridden))
        return f"bike {bike_id} is in"

    return app


def workshop(node: Node, *, takes_out: bool = True, due: int = DUE) -> FastAPI:
    """See that bikes are fit: an available bike is one that nobody has to look at.

    It looks at bikes from `due` minutes on. Last month's version, `takes_out=False`,
    only wrote a list of them.
    """
    app = FastAPI(title="workshop")

    @app.post("/inspections/{bike_id}")
    async def inspect(bike_id: str) -> str:
        bike = await read(node, bike_id)
        if bike.minutes < due:
            return f"bike {bike_id} is fine"
        if takes_out:
            await write(node, bike.model_copy(update={"available": False}))
        return f"bike {bike_id} is due"

    @app.post("/faults/{bike_id}")
    async def flag(bike_id: str, fault: Fault) -> str:
        bike = await read(node, bike_id)
        await write(node, bike.model_copy(update={"available": False}))
        return f"bike {bike_id} is flagged: {fault.what}"

    return app
