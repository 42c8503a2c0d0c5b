"""Runs with a slow copy, without a mesh and with one, and with a new policy.

Source: chapter 12. Leaves out: riders who give up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from movingparts.control_plane import CONTROL_PLANE, Policy
from movingparts.core import Recording
from movingparts.core.node import Factory
from movingparts.scenes.ch12.beside import COPIES, SETTLED, SLOW, asks, serve
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.riders import Ask, Riders, come
from movingparts.world import Table
from movingparts.world.simulated import SimulatedWorld, simulate


@dataclass
class Seen:
    """What the riders of each service saw."""

    riders: dict[str, Riders] = field(default_factory=dict)

    def table(self) -> Table:
        """Return a row for each service."""
        rows = []
        for name, seen in self.riders.items():
            share = f"{seen.answered} of {len(seen.asked)}"
            rows.append((name, share, *(f"{seen.at(p):,.0f} ms" for p in (50, 99))))
        return Table(("riders of", "answered", "p50", "p99"), rows)


def peak(
    services: Mapping[str, Factory], policy: Policy | None = None, *, seed: int = 1
) -> Recording:
    """Have riders ask each service while one copy of `availability` is slow."""

    async def scenario(world: SimulatedWorld) -> Seen:
        await serve(world, services, policy, slow_copies())
        seen = Seen({name: Riders() for name in services})
        tasks = world.node("riders").tasks
        running = [
            tasks.create_task(
                come(world, of(world, name, policy), rate=6, seconds=8, into=riders)
            )
            for name, riders in seen.riders.items()
        ]
        for task in running:
            await task
        return seen

    return simulate(scenario, seed=seed)


def slow_copies() -> dict[str, Copy]:
    """Return the copies of `availability`, of which the first is slow."""
    copies = {name: Copy(at_once=100) for name in COPIES}
    copies[COPIES[0]].work = SLOW
    return copies


def of(world: SimulatedWorld, name: str, policy: Policy | None) -> Ask:
    """Return how a rider asks a service: by its sidecar, if it has one."""
    client = world.client("riders", timeout=60)
    door = name if policy is None else f"{name}-sidecar"

    async def ask() -> None:
        answer = await client.get(f"http://{door}/stations/harbor")
        answer.raise_for_status()

    return ask


def changed(before: Policy, after: Policy, *, seed: int = 1) -> Recording:
    """Change the policy after four of eight seconds; the riders ask `map`."""

    async def scenario(world: SimulatedWorld) -> Riders:
        await serve(world, {"map": asks(None)}, before, slow_copies())
        team, riders = world.node("team"), Riders()

        async def change() -> None:
            await team.clock.sleep(4)
            url = f"{CONTROL_PLANE}/policies/availability"
            answer = await team.client.put(url, json=after.model_dump())
            answer.raise_for_status()

        team.tasks.create_task(change())
        await come(world, of(world, "map", before), rate=10, seconds=8, into=riders)
        return riders

    return simulate(scenario, seed=seed)


def good(riders: Riders, *, within: float = 0.5) -> list[tuple[float, float]]:
    """Return points (second, % of those who asked then and had an answer in time)."""
    found: dict[int, list[bool]] = {}
    for each in riders.asked:
        ok = not each.error and each.took <= within
        found.setdefault(int(each.at - SETTLED), []).append(ok)
    return [(at, 100 * sum(oks) / len(oks)) for at, oks in sorted(found.items())]
