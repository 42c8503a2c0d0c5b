"""The control plane: what it keeps, what it refuses, and what sidecars know of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI, Response

from movingparts.control_plane import Configuration, Mesh, Policy, control_plane
from movingparts.core import Node
from movingparts.world.simulated import SimulatedWorld, simulate

QUICK, PATIENT = Policy(seconds=0.3, attempts=2), Policy(seconds=9)
POLICIES = "http://control-plane/policies"
Scenario = Callable[[SimulatedWorld], Awaitable[Any]]


def run(scenario: Scenario, policy: Policy = QUICK) -> Any:
    """Return what a scenario returns, with a control plane in its world."""

    async def served(world: SimulatedWorld) -> Any:
        mesh = Mesh(policies={"rides": policy})
        await world.serve("control-plane", partial(control_plane, mesh=mesh))
        return await scenario(world)

    return simulate(served, seed=7).result


async def register(world: SimulatedWorld, name: str, copy: str) -> None:
    url = f"http://control-plane/services/{name}"
    await world.client("team").put(url, params={"copy": copy, "seconds": "3"})


def test_a_service_without_a_policy_has_the_default_one() -> None:
    mesh = Mesh(policies={"rides": QUICK})
    assert (QUICK, Policy()) == (mesh.policy("rides"), mesh.policy("billing"))


def test_a_sidecar_knows_policies_and_copies_after_a_refresh() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await register(world, "rides", "http://rides-1")
        known = Configuration(world.node("sidecar"))
        before = known.mesh
        await known.refresh()
        return before, known.mesh

    expected = Mesh(copies={"rides": ["http://rides-1"]}, policies={"rides": QUICK})
    assert (None, expected) == run(scenario)


def test_a_changed_policy_reaches_a_sidecar_within_its_interval() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        node = world.node("sidecar")
        known = Configuration(node, every=0.5)
        await known.refresh()
        node.tasks.create_task(known.follow())
        json = PATIENT.model_dump()
        await world.client("team").put(f"{POLICIES}/rides", json=json)
        await world.clock.sleep(0.6)
        assert known.mesh is not None
        return known.mesh.policies

    assert {"rides": PATIENT} == run(scenario)


@pytest.mark.parametrize(
    "bad",
    [
        {"seconds": 0},
        {"attempts": 0},
        {"atempts": 2},
        {"balancer": "random"},
        {"faults": [{"service": "rides"}]},  # a fault that does nothing
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_and_the_old_one_stays(
    bad: dict[str, Any],
) -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        team = world.client("team")
        answer = await team.put(f"{POLICIES}/rides", json=bad)
        mesh = (await team.get("http://control-plane/mesh")).json()
        return answer.status_code, Policy(**mesh["policies"]["rides"])

    assert (422, QUICK) == run(scenario)


def test_who_has_the_newest_mesh_gets_no_copy_of_it() -> None:
    async def scenario(world: SimulatedWorld) -> list[int | None]:
        known = Configuration(world.node("sidecar"))
        await known.refresh()
        await known.refresh()
        await register(world, "rides", "http://rides-1")
        await known.refresh()
        asked = [m for m in world.recording.messages if m.target == "sidecar"]
        return [message.status for message in asked]

    assert [200, 304, 200] == run(scenario)


def test_policies_outlive_a_crash_and_known_copies_stay_until_new_ones_come() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        await register(world, "rides", "http://rides-1")
        await register(world, "billing", "http://billing-1")
        json = PATIENT.model_dump()
        await world.client("team").put(f"{POLICIES}/rides", json=json)
        known = Configuration(world.node("sidecar"))
        await known.refresh()
        world.crash("control-plane")
        await known.refresh()
        await world.restart("control-plane")
        await register(world, "rides", "http://rides-2")
        await known.refresh()
        return known.mesh

    copies = {"rides": ["http://rides-2"], "billing": ["http://billing-1"]}
    assert Mesh(copies=copies, policies={"rides": PATIENT}) == run(scenario)


def test_without_a_control_plane_the_sidecar_keeps_what_it_has_and_logs_it() -> None:
    async def scenario(world: SimulatedWorld) -> Any:
        node = world.node("sidecar")
        known = Configuration(node)
        await known.refresh()
        before = known.mesh
        world.crash("control-plane")
        await known.refresh()
        return before == known.mesh, len(node.logs)

    assert (True, 1) == run(scenario)


def test_nonsense_instead_of_a_mesh_changes_nothing() -> None:
    def nonsense(node: Node) -> FastAPI:
        app = FastAPI()

        @app.get("/mesh")
        async def mesh() -> Response:
            return Response('{"policies": 17}')

        return app

    async def scenario(world: SimulatedWorld) -> Any:
        node = world.node("sidecar")
        known = Configuration(node)
        await known.refresh()
        before = known.mesh
        await world.serve("control-plane", nonsense)
        await known.refresh()
        return before == known.mesh, "gives no mesh" in node.logs[-1]

    assert (True, True) == run(scenario)
