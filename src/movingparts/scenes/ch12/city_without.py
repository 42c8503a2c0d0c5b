"""A control plane, and availability without a sidecar yet, on this machine.

Source: chapter 12. Leaves out: rides itself; its sidecar is asked as rides would.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from movingparts.control_plane import Mesh, Policy, control_plane
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.xds import xds
from movingparts.world.local import LocalService, LocalWorld

ONLY_RIDES = Policy(callers=("rides",))


@dataclass(frozen=True)
class City:
    """A world with a control plane, and availability without any sidecar yet."""

    world: LocalWorld
    plane: LocalService
    xds: LocalService
    availability: LocalService

    @classmethod
    async def of(cls, world: LocalWorld) -> City:
        """Start them; only rides may call availability."""
        mesh = Mesh(policies={"availability": ONLY_RIDES})
        plane = await world.serve("control-plane", lambda n: control_plane(n, mesh))
        envoys = await world.serve("xds", xds)
        return cls(world, plane, envoys, await world.serve("availability", Copy()))

    async def stop_control_plane(self) -> None:
        """Stop all that knows the mesh, for our sidecars and for Envoys."""
        await asyncio.gather(self.plane.stop(), self.xds.stop())

    async def lease(self, method: str, copy: str) -> None:
        """Put a copy of availability on the list, or delete it: Envoy can't itself."""
        url = f"{self.plane.url}/services/availability"
        params = {"copy": copy, "seconds": "600"}
        client = self.world.client("operator")
        (await client.request(method, url, params=params)).raise_for_status()

    async def policy(self, policy: Policy) -> None:
        """Put a policy for availability."""
        url = f"{self.plane.url}/policies/availability"
        client = self.world.client("operator")
        (await client.put(url, json=policy.model_dump())).raise_for_status()


def port_of(service: LocalService) -> int:
    """Return the port where a service listens."""
    return httpx.URL(service.url).port or 0
