"""One promise, known to one part of a program or to two with messages between them.

`home` says in which part each of three things happens: a bike is reserved, the rider
collects it, or the reservation expires. Each part keeps what it knows, and tells the
other parts what happened there.

Source: chapter 02. Leaves out: stations, payment, and a second try to tell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from functools import partial

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.core import Node, World

EXPIRES = 600.0  # seconds after which nobody has come for a bike
Home = Mapping[str, str]


async def serve_parts(world: World, home: Home) -> None:
    """Start a service for each part that is the home of something."""
    names = tuple(dict.fromkeys(home.values()))
    for name in names:
        others = [other for other in names if other != name]
        expires = home["ReservationExpired"] == name
        await world.serve(name, partial(part, others=others, expires=expires))


def part(node: Node, *, others: Collection[str], expires: bool) -> FastAPI:
    """Serve one part; the one that `expires` lets go of a bike that nobody collects."""
    app = FastAPI(title=node.name)
    known: dict[str, str] = {}

    @app.put("/told/{bike}/{what}", status_code=204)
    async def learn(bike: str, what: str) -> None:
        known[bike] = what
        if what == "reserved" and expires:
            node.tasks.create_task(expire(bike))

    async def expire(bike: str) -> None:
        await node.clock.sleep(EXPIRES)
        if known[bike] == "reserved":
            await tell(bike, "free")

    async def tell(bike: str, what: str) -> None:
        await learn(bike, what)
        for other in others:
            with contextlib.suppress(httpx.HTTPError):
                await node.client.put(f"http://{other}/told/{bike}/{what}", timeout=1.0)

    @app.put("/reserved/{bike}")
    async def reserve(bike: str) -> str:
        if known.get(bike, "free") != "free":
            raise HTTPException(409, f"bike {bike} is {known[bike]}")
        await tell(bike, "reserved")
        return f"bike {bike} is yours"

    @app.put("/collected/{bike}")
    async def collect(bike: str) -> str:
        if known.get(bike) != "reserved":
            raise HTTPException(409, f"bike {bike} is not reserved")
        await tell(bike, "collected")
        return f"bike {bike} is unlocked"

    return app
