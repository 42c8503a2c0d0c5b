"""A modular monolith: several contexts in one deployable, with their borders.

The factories of the contexts are unchanged. What is a request between services is a
call within one process here, and what is an event on the bus is handed over in memory;
each context keeps its own database file.

Source: chapter 02. Leaves out: a durable log of events: a crash loses those in memory
that not all have handled; and limits on what one context may take from the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import httpx
from fastapi import FastAPI

from movingparts.bus.memory import MemoryBroker
from movingparts.core import Node
from movingparts.repository import SqliteRows
from movingparts.unit_of_work import RowStore

Make = Callable[..., FastAPI]  # the factory of a context: a node, and a store


class Inside(httpx.AsyncBaseTransport):
    """Calls a context of the same process, or asks others over the network.

    >>> Inside({}, httpx.AsyncClient())
    <Inside: no contexts>
    """

    def __init__(self, apps: Mapping[str, FastAPI], outside: httpx.AsyncClient) -> None:
        self._apps, self._outside = apps, outside

    def __repr__(self) -> str:
        return f"<Inside: {', '.join(self._apps) or 'no contexts'}>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Run the callee in the caller's own task: a call, not a message."""
        app = self._apps.get(request.url.host)
        if app is None:
            return await self._outside.send(request)
        return await httpx.ASGITransport(app).handle_async_request(request)


def together(contexts: Mapping[str, Make]) -> Callable[[Node], FastAPI]:
    """Make one deployable of several contexts, each under its own path."""

    def factory(node: Node) -> FastAPI:
        apps: dict[str, FastAPI] = {}
        broker = MemoryBroker()
        for name, make in contexts.items():
            inside = replace(
                node,
                name=name,
                client=httpx.AsyncClient(transport=Inside(apps, node.client)),
                bus=broker.connect(name, node.tasks),
            )
            db = node.disk.connect(f"{name}.sqlite")
            apps[name] = make(inside, store=RowStore(SqliteRows(db)))

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                for part in apps.values():
                    started = part.router.lifespan_context(part)
                    await stack.enter_async_context(started)
                yield

        app = FastAPI(title="together", lifespan=lifespan)
        for name, part in apps.items():
            app.mount(f"/{name}", part)
        return app

    return factory


def in_one(context: str) -> str:
    """Return the address of a context in the deployable that is served as `city`."""
    return f"http://city/{context}"
