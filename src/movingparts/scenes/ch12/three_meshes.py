"""The same two services behind three kinds of sidecars, on this machine.

Source: chapter 12. Leaves out: sidecars as processes of their own, but for Envoy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from movingparts.control_plane import Configuration, Mesh, Policy, control_plane
from movingparts.core import Node
from movingparts.identity import Authority, Sender, caller_of, listening
from movingparts.scenes.ch04.envoy_process import running
from movingparts.scenes.ch12.callers import Doors
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.envoy_sidecar import sidecar_config
from movingparts.scenes.ch12.xds import xds
from movingparts.sidecar import inbound, outbound
from movingparts.world.local import LocalService, LocalWorld
from movingparts.world.local.server import loopback_socket

ONLY_RIDES = Policy(callers=("rides",))


@dataclass(frozen=True)
class City:
    """A world with a control plane, and availability without any sidecar yet."""

    world: LocalWorld
    plane: LocalService
    availability: LocalService

    @classmethod
    async def open(cls) -> City:
        """Start them; only rides may call availability."""
        world = await LocalWorld.open()
        mesh = Mesh(policies={"availability": ONLY_RIDES})
        plane = await world.serve("control-plane", lambda n: control_plane(n, mesh))
        return cls(world, plane, await world.serve("availability", Copy()))


def comes_in(node: Node, app: str, copy: str, certificates: bool = False) -> FastAPI:
    """Return availability's half of the way."""
    return inbound(
        node,
        Configuration(node, every=0.1),
        service="availability",
        app=app,
        copy=copy,
        caller_of=caller_of if certificates else None,
    )


def goes_out(node: Node, send: Sender | None = None) -> FastAPI:
    """Return rides' half of the way."""
    return outbound(node, Configuration(node, every=0.1), service="rides", send=send)


@asynccontextmanager
async def by_header(city: City) -> AsyncIterator[Doors]:
    """Start page 6's sidecars, which believe a header."""
    authority, name = Authority(city.world.clock.now), "availability-sidecar"
    app, copy = "http://availability", f"http://{name}"
    theirs = await city.world.serve(name, lambda node: comes_in(node, app, copy))
    ours = await city.world.serve("rides-sidecar", goes_out)
    try:
        yield Doors(ours.url, theirs.url, authority)
    finally:
        await asyncio.gather(ours.stop(), theirs.stop())


@asynccontextmanager
async def by_certificate(city: City) -> AsyncIterator[Doors]:
    """Start the same sidecars with mutual TLS between them."""
    authority = Authority(city.world.clock.now)
    send = Sender(authority.issue("rides"))
    async with guarded(city, "availability", authority) as url:
        ours = await city.world.serve("rides-sidecar", lambda n: goes_out(n, send))
        try:
            yield Doors(ours.url, url, authority)
        finally:
            await ours.stop()
            await send.aclose()


@asynccontextmanager
async def guarded(city: City, app: str, authority: Authority) -> AsyncIterator[str]:
    """Start our sidecar of a copy, and yield where it takes calls over mutual TLS."""
    node, door = city.world.node(f"{app}-sidecar"), loopback_socket()
    copy = f"https://127.0.0.1:{door.getsockname()[1]}"
    inner = comes_in(node, f"http://{app}", copy, certificates=True)
    async with listening(node, inner, door, authority.issue("availability")):
        yield copy


@asynccontextmanager
async def by_envoy(city: City) -> AsyncIterator[Doors]:
    """Start an Envoy beside each of the two services."""
    authority = Authority(city.world.clock.now)
    plane = _port((await city.world.serve("xds", xds)).url)
    async with AsyncExitStack() as stack:
        doors = {}
        for name in ("availability", "rides"):
            config = sidecar_config(
                name,
                authority.issue(name),
                app=_port(city.availability.url),
                control_plane=plane,
            )
            ports = await stack.enter_async_context(running(config))
            doors[name] = {d: f"127.0.0.1:{port}" for d, port in ports.items()}
            if name == "availability":
                await register(city, f"https://{doors[name]['inbound']}")
        yield Doors(
            f"http://{doors['rides']['outbound']}",
            f"https://{doors['availability']['inbound']}",
            authority,
        )


async def register(city: City, copy: str) -> None:
    """List an Envoy, which can't do that by itself, as a copy of availability."""
    lease = {"copy": copy, "seconds": "600"}
    url = f"{city.plane.url}/services/availability"
    (await city.world.client("operator").put(url, params=lease)).raise_for_status()


def _port(url: str) -> int:
    return httpx.URL(url).port or 0
