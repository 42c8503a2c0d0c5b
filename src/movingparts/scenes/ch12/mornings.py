"""A morning on which copies come and go, and riders ask whichever the app knows.

Source: chapter 12. Leaves out: a second try at another copy (page 3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from movingparts.balancer import Balancer, round_robin
from movingparts.core import Node, Recording
from movingparts.discovery import registry
from movingparts.scenes.ch12.addresses import SERVICE, Copies
from movingparts.scenes.ch12.riders import Riders, come
from movingparts.service import service
from movingparts.world.simulated import SimulatedWorld, simulate

Find = Callable[[], Awaitable[Sequence[str]]]
Way = Callable[[Node], Find]  # how an app finds the copies
# A second of the morning, what happens then, and to which copies.
Event = tuple[float, str, tuple[int, ...]]

DEPLOY: tuple[Event, ...] = (
    (3.3, "replace", (1, 4)),
    (6.5, "replace", (2, 5)),
    (9.7, "replace", (3, 6)),
)
MORNING: tuple[Event, ...] = (*DEPLOY, (16.1, "crash", (5,)))


@dataclass
class Seen:
    """What riders saw, and when the registry was asked."""

    riders: Riders = field(default_factory=Riders)
    crashed: float = 0.0
    registry: list[float] = field(default_factory=list)

    @property
    def failing(self) -> float:
        """For how many seconds after the crash riders still failed."""
        failed = [each.at for each in self.riders.asked if each.error]
        return max(failed, default=self.crashed) - self.crashed

    def asked(self, start: float = 0, end: float = 3600) -> int:
        """How many riders asked in this time."""
        return sum(start <= each.at < end for each in self.riders.asked)

    def failed(self, start: float = 0, end: float = 3600) -> int:
        """How many of those who asked in this time got an error."""
        asked = self.riders.asked
        return sum(bool(each.error) for each in asked if start <= each.at < end)

    def load(self, end: float) -> float:
        """How many requests a second the registry got until then."""
        return sum(at < end for at in self.registry) / end

    def by(self, step: float, start: float, end: float) -> list[tuple[float, float]]:
        """Return points (second, % of riders who failed), one for each `step`."""
        spans = [
            (start + n * step, start + (n + 1) * step)
            for n in range(round((end - start) / step))
        ]
        return [(span[0], 100 * (1 - self.riders.share(*span))) for span in spans]


def morning(
    way: Way,
    *,
    events: Sequence[Event] = MORNING,
    looks: float = 0,
    opens: float = 0,
    seconds: float = 24,
    rate: float = 20,
    seed: int = 1,
    **copies: Any,
) -> Recording:
    """Play a morning: the app first looks at `looks`, riders come from `opens` on."""

    async def scenario(world: SimulatedWorld) -> Seen:
        await world.serve("registry", registry)
        await world.serve("weather", partial(service, title="weather"))
        running, seen, app = Copies(world, **copies), Seen(), world.node("app")
        for number in (1, 2, 3):
            await running.start(number)
        find, balancer = way(app), Balancer(round_robin())

        async def ask() -> None:
            with balancer.choose(await find()) as copy:
                url = f"{copy}/stations/harbor"
                (await app.client.get(url, timeout=1)).raise_for_status()

        happen = _happen(world, running, seen, events)
        world.node("operator").tasks.create_task(happen, name="the morning")
        await world.clock.sleep(looks)
        await find()
        await world.clock.sleep(max(0.0, opens - world.clock.monotonic()))
        await come(world, ask, rate=rate, seconds=seconds, into=seen.riders)
        sent = world.recording.messages
        seen.registry = [m.sent_us / 1e6 for m in sent if m.target == "registry"]
        return seen

    return simulate(scenario, seed=seed)


async def _happen(
    world: SimulatedWorld, copies: Copies, seen: Seen, events: Sequence[Event]
) -> None:
    nodes = ["app", *(f"{SERVICE}-{number}" for number in range(1, 7))]
    for at, what, numbers in events:
        await world.clock.sleep(max(0.0, at - world.clock.monotonic()))
        match what:
            case "replace":
                await copies.replace(*numbers)
            case "crash":
                seen.crashed = world.clock.monotonic()
                copies.crash(*numbers)
            case "break":
                copies.broken.update(numbers)
            case "the weather is down":
                world.crash("weather")
            case "the registry is away":
                world.network.partition("registry", nodes)
            case "the registry is back":
                world.network.heal()
