"""A mesh in which the sidecars believe a header, in a simulated world.

Source: chapter 12, page 6. Leaves out: certificates.
"""

from __future__ import annotations

from movingparts.control_plane import Configuration, Mesh, Policy, control_plane
from movingparts.scenes.ch12.copies import Copy
from movingparts.sidecar import inbound
from movingparts.world.simulated import SimulatedWorld

DOOR = "http://availability-sidecar"


async def behind_a_sidecar(world: SimulatedWorld, policy: Policy) -> None:
    """Start a control plane, and availability with a sidecar that knows its policy."""
    mesh = Mesh(policies={"availability": policy})
    await world.serve("control-plane", lambda node: control_plane(node, mesh))
    await world.serve("availability", Copy())
    await world.serve(
        "availability-sidecar",
        lambda node: inbound(
            node,
            Configuration(node),
            service="availability",
            app="http://availability",
            copy=DOOR,
        ),
    )
