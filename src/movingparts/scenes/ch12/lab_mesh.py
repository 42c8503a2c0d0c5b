"""The lab's morning again, with a sidecar beside each service and each copy.

Source: chapter 12's lab.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from movingparts.control_plane import Mesh, Policy, control_plane
from movingparts.core import Recording
from movingparts.scenes.ch12.beside import asks, beside
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.lab_trouble import Morning, Seen, come_and_ask, opened
from movingparts.sidecar import through
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

PATIENT = 60.0  # seconds: no service gives up, but its sidecar may
SETTLED = 2.0  # seconds until every sidecar knows every copy
# As little as a policy can say.
OFF = Policy(balancer="round robin", failures=10_000)


def meshed(policy: Policy, what: Morning | None = None, *, seed: int = 1) -> Recording:
    """Have `rides` and `partner` ask through sidecars; the result is what was seen.

    Their code asks once, and waits. The policy is that of `availability`.
    """
    what = what or Morning()

    async def scenario(world: SimulatedWorld) -> Seen:
        mesh = Mesh(policies={"availability": policy})
        await world.serve("control-plane", partial(control_plane, mesh=mesh))
        seen = await opened(world, what, with_sidecar)
        for name in ("rides", "partner"):
            service = through(asks(PATIENT), f"http://{name}-sidecar")
            await world.serve(name, service)
            await world.serve(f"{name}-sidecar", beside)
        client = world.client("riders", timeout=PATIENT)

        async def ask(who: str) -> None:
            door = {"riders": "rides", "partner": "partner"}[who]
            (await client.get(f"http://{door}/stations/harbor")).raise_for_status()

        await world.clock.sleep(SETTLED)
        await come_and_ask(world, what, seen, ask)
        return seen

    return simulate(scenario, seed=seed)


async def with_sidecar(world: SimulatedWorld, name: str, copy: Copy) -> Sequence[str]:
    """Start a copy and its sidecar, on one machine."""
    await world.serve(name, copy)
    await world.serve(f"{name}-sidecar", beside)
    return [name, f"{name}-sidecar"]


def answered(runs: Mapping[str, Mapping[str, Recording]]) -> Table:
    """Return a row for each policy: which share of riders was answered each morning."""
    mornings = next(iter(runs.values()))
    rows = [
        (name, *(f"{run.result.riders.share(0, 99):.0%}" for run in row.values()))
        for name, row in runs.items()
    ]
    return Table(("policy", *mornings), rows)
