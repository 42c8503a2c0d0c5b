"""The six services behind the home screen of the rider's app, and the phone.

Each answers one question for the screen. Source: chapter 04. Leaves out: all rules of
the six, which the city's own services have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, HTTPException

from movingparts.core import Node
from movingparts.core.node import Factory
from movingparts.core.random import LogNormal, Uniform
from movingparts.gateway import Part
from movingparts.service import service
from movingparts.world.simulated import SimulatedWorld

RIDERS = {"ada": {"name": "Ada", "pass": True}, "bob": {"name": "Bob", "pass": False}}
STATIONS = {"harbor": "Harbor", "museum": "Museum"}
TOKENS = {"token-of-ada": "ada", "token-of-bob": "bob"}
# How long a service works on an answer, in seconds.
WORK = LogNormal(median=0.005, p99=0.030)

# The home screen: where each part comes from. Without the rider there is no screen.
HOME = (
    Part("rider", "http://riders/riders/{rider}", required=True),
    Part("account", "http://billing/accounts/{rider}"),
    Part("ride", "http://rides/riders/{rider}/ride"),
    Part("bikes", "http://availability/stations/{station}"),
    Part("station", "http://stations/stations/{station}"),
    Part("weather", "http://weather/stations/{station}"),
)

Answer = Callable[[str], Any]


def answering(path: str, answer: Answer) -> Factory:
    """Return a service that answers one path, after a little work."""

    def make(node: Node) -> FastAPI:
        app = service(node, title=node.name)

        @app.get(path)
        async def get(key: str) -> Any:
            await node.clock.sleep(WORK.draw(node.random) / 1_000_000)
            try:
                return answer(key)
            except KeyError:
                raise HTTPException(404, f"there is no {key!r}") from None

        return app

    return make


SERVICES: Mapping[str, Factory] = {
    "riders": answering("/riders/{key}", lambda key: RIDERS[key]),
    "billing": answering("/accounts/{key}", lambda key: {"owes": "0.00", "of": key}),
    "rides": answering("/riders/{key}/ride", lambda key: {"ride": None, "of": key}),
    "availability": answering("/stations/{key}", lambda key: {"bikes": len(key)}),
    "stations": answering("/stations/{key}", lambda key: {"name": STATIONS[key]}),
    "weather": answering("/stations/{key}", lambda key: {"at": key, "celsius": 14}),
}


async def serve_city(world: SimulatedWorld, **others: Factory) -> None:
    """Serve the six services; `others` take the place of some, or come beside them."""
    for name, factory in {**SERVICES, **others}.items():
        await world.serve(name, factory)


def on_the_phone(world: SimulatedWorld, *, loss: float = 0.01) -> None:
    """Put the app on a phone's network: 60 to 120 ms each way, and some losses.

    Between services a message takes about 1 ms.
    """
    for name in (*SERVICES, "gateway"):
        world.network.between("app", name, latency=Uniform(0.06, 0.12), loss=loss)


async def authenticate(token: str) -> str | None:
    """Return the rider of a token. Chapter 16 has tokens that nobody can make up."""
    return TOKENS.get(token)
