"""Availability before a field got another name, and after that for old apps.

Source: chapter 04. Leaves out: how it knows the number of bikes.
"""

from __future__ import annotations

from fastapi import FastAPI, Response
from pydantic import BaseModel

from movingparts.core import Node
from movingparts.service import service

SUNSET = {
    "deprecation": "@1767225600",  # since 1 January 2026
    "sunset": "Thu, 12 Feb 2026 00:00:00 GMT",
}


class Before(BaseModel):
    """What `availability` said of a station before the renaming."""

    station: str
    bikes: int


def before(node: Node) -> FastAPI:
    """Answer as apps have read it for years."""
    app = service(node, title="availability")

    @app.get("/stations/{station}")
    async def get(station: str) -> Before:
        return Before(station=station, bikes=6)

    return app


def version_1(node: Node) -> FastAPI:
    """Answer as before the renaming, from what the new service says."""
    app = service(node, title="availability-v1")

    @app.get("/stations/{station}")
    async def get(station: str, response: Response) -> Before:
        url = f"http://availability/stations/{station}"
        new = (await node.client.get(url)).raise_for_status().json()
        response.headers.update(SUNSET)
        return Before(station=station, bikes=new["bikes_available"])

    return app
