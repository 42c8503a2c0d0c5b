"""Mutual TLS: both ends of a call prove by certificate who they are."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from movingparts.core import Node
from movingparts.core.node import ASGIApp, Scope
from movingparts.identity import PREFIX, Identity


class TellsCaller(H11Protocol):
    """uvicorn's HTTP/1.1, which tells the app whose certificate the caller has.

    TLS has checked it before there is a connection.
    """

    def connection_made(self, transport: Any) -> None:
        """Put the caller's SPIFFE ID where the app finds it."""
        super().connection_made(transport)
        names = transport.get_extra_info("peercert")["subjectAltName"]
        ids = [name for kind, name in names if kind == "URI"]
        app = self.app

        async def with_caller(scope: Scope, receive: Any, send: Any) -> None:
            scope["extensions"] = {"spiffe": ids[0]}
            await app(scope, receive, send)

        self.app = with_caller


def caller_of(request: Request) -> str:
    """Return the name of the service that calls, by its certificate."""
    found: str = request.scope["extensions"]["spiffe"]
    return found.removeprefix(PREFIX)


@asynccontextmanager
async def listening(
    node: Node, app: ASGIApp, door: socket.socket, identity: Identity
) -> AsyncIterator[None]:
    """Serve an app over mutual TLS on a bound socket while the block runs."""
    config = uvicorn.Config(app, http=TellsCaller, log_config=None, ws="none")
    config.load()
    config.ssl = identity.server()
    server = _Server(config)
    running = node.tasks.create_task(server.serve([door]), name=f"{node.name} listens")
    try:
        while not server.started and not running.done():
            await node.clock.sleep(0.001)
        yield
    finally:
        server.should_exit = True
        for connection in list(server.server_state.connections):
            connection.transport.abort()  # it wouldn't wait for callers to hang up
        await running


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they belong to the kernel


class Sender:
    """Sends requests over mutual TLS in a service's name; `outbound` sends by it.

    A request's extension `sni_hostname` is the name of the service that it is for.
    """

    def __init__(self, identity: Identity) -> None:
        self._context = identity.client()
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Send a request, if its callee proves that it is the one."""
        name = request.extensions["sni_hostname"]
        # An open connection was checked for one name, so it isn't used for another.
        if name not in self._clients:
            client = httpx.AsyncClient(verify=self._context, trust_env=False)
            self._clients[name] = client
        try:
            return await self._clients[name].send(request)
        except ssl.SSLError as error:  # the callee refuses our certificate
            raise httpx.ReadError(str(error), request=request) from error

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
