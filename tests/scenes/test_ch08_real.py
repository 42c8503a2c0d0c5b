"""What lab 08 does to real processes, in a simulated world; its check can fail."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from movingparts.scenes.ch08 import real
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

RIDES = real.at_first() + real.trips(range(5))


async def recorded(world: SimulatedWorld) -> tuple[list[str], real.Files]:
    """Report five rides; the write side is down at first, the sidecar in between."""
    saved: list[str] = []
    await world.serve("rides", real.rides)
    await world.serve("sidecar", real.sidecar)
    world.crash("rides")
    reporting = world.node("docks").tasks.create_task(real.report(world, RIDES, saved))
    await world.clock.sleep(5)
    assert [] == saved
    await world.restart("rides")
    await world.clock.sleep(0.05)
    world.crash("sidecar")
    await reporting
    await world.restart("sidecar")
    await world.clock.sleep(1)
    return saved, real.files(world)


def test_each_report_is_saved_and_copied_once() -> None:
    saved, found = simulate(recorded, seed=1).result
    assert [f"{stream}/{number}" for stream, number, *_ in RIDES] == saved
    assert saved == [row[0] for row in found.log]
    assert found.log == found.copy
    assert {"S0": 2, "S1": 4, "S2": 3, "S3": 3} == found.standing
    assert 0 == found.off
    assert 1 == replace(found, standing={**found.standing, "S0": 3}).off


def test_a_report_that_is_sent_again_is_one_event() -> None:
    async def scenario(world: SimulatedWorld) -> tuple[int, list[int]]:
        await world.serve("rides", real.rides)
        saved: list[str] = []
        for _ in range(2):
            await real.report(world, RIDES, saved)
        with closing(world.node("rides").disk.connect()) as db:
            return len(saved), list(
                db.execute("SELECT count(*) FROM events").fetchone()
            )

    assert (2 * len(RIDES), [len(RIDES)]) == simulate(scenario, seed=1).result
