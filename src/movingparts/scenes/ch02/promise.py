"""One promise, known to one part of a program or to two with messages between them.

`home` says in which part each of three things happens: a bike is reserved, the rider
collects it, or the reservation expires. Each part keeps what it knows, and tells the
other parts what happened there.

Source: chapter 02. Leaves out: stations, payment, and a second try to tell.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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


@dataclass
class Part:
    """What one part knows about each bike; `expires` says if it watches the time."""

    node: Node
    others: Collection[str]
    expires: bool
    known: dict[str, str] = field(default_factory=dict)

    async def learn(self, bike: str, what: str) -> None:
        """Remember what happened to a bike, here or elsewhere."""
        self.known[bike] = what
        if what == "reserved" and self.expires:
            self.node.tasks.create_task(self._expire(bike))

    async def publish(self, bike: str, what: str) -> None:
        """Remember what happened here, and publish it to the other parts once."""
        await self.learn(bike, what)
        for other in self.others:
            address = f"http://{other}/changes/{bike}/{what}"
            with contextlib.suppress(httpx.HTTPError):
                await self.node.client.put(address, timeout=1.0)

    async def _expire(self, bike: str) -> None:
        await self.node.clock.sleep(EXPIRES)
        if self.known[bike] == "reserved":
            await self.publish(bike, "free")


def part(node: Node, *, others: Collection[str], expires: bool) -> FastAPI:
    """Serve one part of the program."""
    app, here = FastAPI(title=node.name), Part(node, others, expires)

    @app.put("/changes/{bike}/{what}", status_code=204)
    async def changed(bike: str, what: str) -> None:
        await here.learn(bike, what)

    @app.put("/reserved/{bike}")
    async def reserve(bike: str) -> str:
        if here.known.get(bike, "free") != "free":
            raise HTTPException(409, f"bike {bike} is {here.known[bike]}")
        await here.publish(bike, "reserved")
        return f"bike {bike} is yours"

    @app.put("/collected/{bike}")
    async def collect(bike: str) -> str:
        if here.known.get(bike) != "reserved":
            raise HTTPException(409, f"bike {bike} is not reserved")
        await here.publish(bike, "collected")
        return f"bike {bike} is unlocked"

    return app
