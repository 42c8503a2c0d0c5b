"""The same two services behind three kinds of sidecars, on this machine.

Source: chapter 12. Leaves out: sidecars as processes of their own, but for Envoy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from movingparts.control_plane import Configuration
from movingparts.core import Node
from movingparts.identity import Authority
from movingparts.mutual_tls import Sender, caller_of, listening
from movingparts.scenes.ch04.envoy_process import running
from movingparts.scenes.ch12.callers import Doors
from movingparts.scenes.ch12.city_without import City, port_of
from movingparts.scenes.ch12.envoy_sidecar import sidecar_config
from movingparts.sidecar import inbound, outbound
from movingparts.world.local.server import loopback_socket


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
    async with AsyncExitStack() as stack:
        doors = {}
        for name in ("availability", "rides"):
            config = sidecar_config(
                name,
                authority.issue(name),
                app=port_of(city.availability),
                control_plane=port_of(city.xds),
            )
            ports = await stack.enter_async_context(running(config))
            doors[name] = {d: f"127.0.0.1:{port}" for d, port in ports.items()}
            if name == "availability":
                await city.lease("PUT", f"https://{doors[name]['inbound']}")
        yield Doors(
            f"http://{doors['rides']['outbound']}",
            f"https://{doors['availability']['inbound']}",
            authority,
        )
