"""What becomes of calls when a part of the mesh dies, or gets nonsense.

Source: chapter 12. Leaves out: a network that is cut in two.
"""

from __future__ import annotations

from typing import Any

from movingparts.control_plane import CONTROL_PLANE, Policy
from movingparts.core import Recording
from movingparts.core.node import Factory
from movingparts.scenes.ch12.beside import COPIES, asks, beside, serve
from movingparts.scenes.ch12.beside_runs import of
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.riders import Riders, come
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate

POLICIES = f"{CONTROL_PLANE}/policies/availability"


def one_call(policy: Policy) -> Recording:
    """Have one rider ask `map`, and `map` the only copy of `availability`."""

    async def scenario(world: SimulatedWorld) -> None:
        await serve(world, {"map": asks(None)}, policy, {COPIES[0]: Copy()})
        await of(world, "map", policy)()

    return simulate(scenario, seed=1)


def requests(service: Factory, policy: Policy) -> int:
    """Return how many requests the copies get for one rider, if they all fail."""

    async def scenario(world: SimulatedWorld) -> int:
        copies = {name: Copy(failing=lambda number: number > 0) for name in COPIES}
        await serve(world, {"rides": service}, policy, copies)
        await world.client("riders", timeout=60).get("http://rides/stations/harbor")
        return sum(copy.served for copy in copies.values())

    found: int = simulate(scenario, seed=1).result
    return found


def proposed(change: dict[str, Any], policy: Policy) -> Table:
    """Propose a change of a policy; return the answer, and the policy after it."""

    async def scenario(world: SimulatedWorld) -> Table:
        await serve(world, {}, policy, {})
        team = world.client("team")
        answer = await team.put(POLICIES, json=change)
        wrong = [each["at"] for each in answer.json()["errors"]]
        mesh = (await team.get(f"{CONTROL_PLANE}/mesh")).json()
        stays = Policy(**mesh["policies"]["availability"]) == policy
        row = (str(answer.status_code), ", ".join(wrong), "yes" if stays else "no")
        return Table(("answer", "not valid", "the old policy stays"), [row])

    table: Table = simulate(scenario, seed=1).result
    return table


def dies(name: str, policy: Policy, *, seed: int = 1) -> Recording:
    """Kill one process, if any, and have riders ask `map` for five seconds."""

    async def scenario(world: SimulatedWorld) -> Riders:
        copies = {name: Copy(at_once=100) for name in COPIES}
        await serve(world, {"map": asks(None)}, policy, copies)
        riders = Riders()
        if name:
            world.crash(name)
        await come(world, of(world, "map", policy), rate=10, seconds=5, into=riders)
        return riders

    return simulate(scenario, seed=seed)


def newcomer(policy: Policy) -> Recording:
    """Start a copy and its sidecar while the control plane is away."""

    async def scenario(world: SimulatedWorld) -> list[tuple[str, str]]:
        await serve(world, {}, policy, {})
        world.crash("control-plane")
        await world.serve("availability-4", Copy())
        await world.serve("availability-4-sidecar", beside)
        found = [("away", await _status(world))]
        await world.restart("control-plane")
        await world.clock.sleep(2)
        return [*found, ("back", await _status(world))]

    return simulate(scenario, seed=1)


async def _status(world: SimulatedWorld) -> str:
    url = "http://availability-4-sidecar/stations/harbor"
    answer = await world.client("map").get(url)
    return f"{answer.status_code} {answer.json().get('detail', '')}".strip()
