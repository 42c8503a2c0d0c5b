"""The weather service in Python, as ordinary as the other services."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Header, HTTPException

from movingparts.core import Node
from movingparts.service import service


def weather(node: Node) -> FastAPI:
    """Return the twin of `weather.js`; the comments divide the lines as there."""
    app = service(node, title="weather")

    # trace and deadline
    async def ask(station: str, seconds: float) -> httpx.Response:
        try:
            async with asyncio.timeout(seconds):
                return await node.client.get(f"http://sensors/{station}")
        # errors
        except TimeoutError:
            raise HTTPException(504, "the sensors do not answer") from None
        except httpx.TransportError:
            raise HTTPException(502, "the sensors do not answer") from None

    # answers
    @app.get("/stations/{station}")
    async def now(station: str, timeout_ms: Annotated[int, Header()] = 2000) -> Any:
        answer = await ask(station, timeout_ms / 1000)
        if answer.status_code == 404:
            raise HTTPException(404, f"no weather at {station}")
        return {"at": station, "celsius": answer.json()["celsius"]}

    return app
