"""What riders saw last night, and experiments that find out why.

Source: chapter 12; Basiri et al., "Chaos Engineering" (2016).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from movingparts.core import Constant
from movingparts.faults import Fault
from movingparts.scenes.ch12.screens import City, Opened, in_the_city
from movingparts.scenes.ch12.start_screen import WORK, Who


def last_night(who: Who, *, seed: int = 1) -> dict[str, list[Opened]]:
    """Return what riders saw while `identity` took 3 s an answer, and 4 s around it."""

    async def scenario(city: City) -> list[Opened]:
        identity, world = city.parts["identity"], city.world
        world.after(4, setattr, identity, "work", Constant(3))
        world.after(8, setattr, identity, "work", WORK["identity"])
        await city.come(10, 12)
        return city.riders

    opened = in_the_city(scenario, who, seed=seed).result
    ends = {"before": 4, "during": 8, "after": 12}
    return {
        name: [each for each in opened if end - 4 <= each.at < end]
        for name, end in ends.items()
    }


Experiment = Callable[[City, Fault], Awaitable[list[Opened]]]
Found = tuple[dict[Fault, list[Opened]], list[Opened]]


def tried(
    experiment: Experiment, faults: Sequence[Fault], who: Who, *, seed: int = 1
) -> Found:
    """Return what an experiment found with each fault, and what riders saw then."""

    async def scenario(city: City) -> Found:
        riders = city.world.node("rider").tasks.create_task(city.come(3, 40))
        found = {fault: await experiment(city, fault) for fault in faults}
        await riders
        return found, city.riders

    result: Found = in_the_city(scenario, who, seed=seed).result
    return result


def canary(fault: Fault, who: Who, *, seed: int = 1) -> list[Opened]:
    """Return the screens of riders, of whom a share meets a fault."""

    async def scenario(city: City) -> list[Opened]:
        city.injector.faults = [fault]
        await city.come(25, 5)
        return city.riders

    result: list[Opened] = in_the_city(scenario, who, seed=seed).result
    return result
