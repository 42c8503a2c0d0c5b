"""A reservation holds from the first request on, when no instance has started yet."""

from collections import Counter

from movingparts.function import Platform, SimulatedBackend
from movingparts.world.simulated import SimulatedWorld, simulate


def test_a_burst_that_finds_no_instance_gets_no_more_than_is_reserved() -> None:
    async def scenario(world: SimulatedWorld) -> Counter[str]:
        node = world.node("functions")
        platform = Platform(node, SimulatedBackend(node.clock, node.random))
        source = "def handler(event, context):\n    return event"
        await platform.deploy("fares", source, reserved=2)
        for number in range(5):
            platform.send("fares", number)
        await node.clock.sleep(1.0)
        return Counter(each.status for each in platform.invocations)

    assert {"ok": 2, "throttled": 3} == simulate(scenario, seed=1).result
