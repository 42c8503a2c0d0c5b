"""The control plane of a mesh: what every sidecar has to know, in one place.

It knows the copies of each service, by their leases, and each service's policy. No
request of a rider goes through it.
"""

from __future__ import annotations

import zlib
from typing import Literal

import httpx
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from movingparts.core import Node
from movingparts.discovery import Leases, registry
from movingparts.faults import Fault

CONTROL_PLANE = "http://control-plane"


class Policy(BaseModel):
    """How a service is called, and by whom. All times are in seconds.

    >>> Policy(attempts=3).seconds
    1.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: float = Field(default=1.0, gt=0)  # for each attempt
    balancer: Literal["round robin", "least requests", "two choices"] = "two choices"
    attempts: int = Field(default=1, ge=1)
    retry_ratio: float = Field(default=0.1, ge=0)  # retries, as a share of requests
    failures: int = Field(default=5, ge=1)  # in a row, until a copy is left out
    open_seconds: float = Field(default=5.0, gt=0)
    rate: float | None = Field(default=None, gt=0)  # requests a second, of each caller
    callers: tuple[str, ...] | None = None  # who may call; None is everyone
    faults: tuple[Fault, ...] = ()


class Mesh(BaseModel):
    """What a sidecar gets: each service's copies, as URLs, and its policy."""

    copies: dict[str, list[str]] = {}
    policies: dict[str, Policy] = {}

    def policy(self, service: str) -> Policy:
        """Return a service's policy, or the one for all that have none."""
        return self.policies.get(service, Policy())


def control_plane(node: Node, mesh: Mesh | None = None) -> FastAPI:
    """Return the service that all sidecars ask for their configuration.

    Copies register at it as at a `registry`. It refuses a policy that it can't read,
    with 422, and the one before stays. Policies are on its disk; `mesh` has those that
    it begins with.

    Source: chapter 12. Leaves out: who may change a policy (chapter 16), changing some
    sidecars first (chapter 15), pushing what is new, copies of the control plane.
    """
    file = node.disk.path / "mesh.json"
    state = (mesh or Mesh()).model_copy(deep=True)
    if file.exists():
        state = Mesh.model_validate_json(file.read_text("utf-8"))
    leases = Leases(node.clock.monotonic)
    app = registry(node, leases)

    @app.put("/policies/{name}")
    async def change(name: str, policy: Policy) -> None:
        state.policies[name] = policy
        fresh = file.with_suffix(".new")
        fresh.write_text(state.model_dump_json(), "utf-8")
        fresh.replace(file)  # at once, so that a crash leaves one or the other

    @app.get("/mesh")
    async def everything(request: Request) -> Response:
        found = {name: leases.copies(name) for name in leases.until}
        text = Mesh(copies=found, policies=state.policies).model_dump_json()
        version = f'"{zlib.crc32(text.encode()):08x}"'
        if request.headers.get("if-none-match") == version:
            return Response(status_code=304)
        return Response(text, headers={"etag": version}, media_type="application/json")

    return app


class Configuration:
    """The mesh as the control plane last described it to a sidecar.

    If the control plane is away, the sidecar goes on with what it has; `mesh` is None
    until it has something. If the control plane has restarted and knows no copy of a
    service yet, the sidecar goes on with the copies that it knew.
    """

    def __init__(
        self, node: Node, *, every: float = 1.0, at: str = CONTROL_PLANE
    ) -> None:
        self._node, self._every, self._at = node, every, at
        self._version = ""
        self.mesh: Mesh | None = None

    async def refresh(self) -> None:
        """Ask the control plane for what is new."""
        known = {"if-none-match": self._version}
        try:
            answer = await self._node.client.get(
                f"{self._at}/mesh", headers=known, timeout=1.0
            )
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return
            fresh = Mesh.model_validate_json(answer.raise_for_status().text)
        except (httpx.HTTPError, ValueError) as error:
            self._node.logs.append(f"the control plane gives no mesh: {error}")
            return
        before = self.mesh.copies if self.mesh else {}
        found = {name: copies for name, copies in fresh.copies.items() if copies}
        self.mesh = Mesh(copies=before | found, policies=fresh.policies)
        self._version = answer.headers.get("etag", "")

    async def follow(self) -> None:
        """Ask again and again."""
        while True:
            await self._node.clock.sleep(self._every)
            await self.refresh()
