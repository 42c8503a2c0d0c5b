"""Clients of the weather API of exercise 12.5: what they ask, and what passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from movingparts.scenes.ch12.weather import (
    BURST,
    GATEWAYS,
    RATE,
    Gateway,
    Request,
    Store,
    Take,
)
from movingparts.world.simulated import SimulatedWorld

TURN, ONE = range(20), [0] * BURST  # through all gateways in turn, or through one


class City:
    """The gateways, for clients to ask."""

    def __init__(self, world: SimulatedWorld, take: Take) -> None:
        self._world, self._take = world, take
        self.store = Store(world)
        self.now, self.sleep = world.clock.monotonic, world.clock.sleep
        self.gateways = [Gateway(self.store, self.now) for _ in range(GATEWAYS)]

    async def ask(self, client: str, door: int) -> Request:
        """Ask once, through one of the gateways."""
        asked = self.now()
        passed = await self._take(self.gateways[door % GATEWAYS], client)
        return Request(client, asked, self.now(), passed)

    async def in_turn(
        self, client: str, doors: Sequence[int], *, pause: float = 0.0
    ) -> list[Request]:
        """Ask once through each of these doors, one after another."""
        found = []
        for door in doors:
            found.append(await self.ask(client, door))
            await self.sleep(pause)
        return found

    async def at_once(self, client: str, doors: Sequence[int]) -> list[Request]:
        """Ask through all of these doors at the same moment."""
        tasks = self._world.node("clients").tasks
        asking = [tasks.create_task(self.ask(client, door)) for door in doors]
        return [await task for task in asking]


Asked = tuple[list[Request], int]  # and how many of these have to pass


async def spread(city: City) -> Asked:
    """Ask through the gateways in turn."""
    # 0.3 s after a full minute: not where a window of whole seconds ends.
    await city.sleep(60.3 - city.now() % 60)
    return await city.in_turn("ferry", TURN), BURST


async def two_bursts(city: City) -> Asked:
    """Ask once, and three seconds later for two bursts."""
    # Between the two, windows end that begin with a minute or with a request.
    await city.sleep(60 - city.now() % 60)
    one = await city.in_turn("radio", TURN[:1])
    await city.sleep(BURST / RATE - 0.2 - (city.now() - one[0].asked))
    one += await city.in_turn("radio", TURN[:9])
    await city.sleep(0.3)
    return one + await city.in_turn("radio", TURN[:9]), BURST


async def at_once(city: City) -> Asked:
    """Ask through all gateways at the same moment."""
    return await city.at_once("news", TURN), BURST


async def one_door(city: City) -> Asked:
    """Ask for a whole burst through one gateway, three times."""
    bursts: list[Request] = []
    for _ in range(3):
        bursts += await city.in_turn("harbor", ONE)
        await city.sleep(BURST / RATE + 0.5)
    return bursts, len(bursts)


async def two_clients(city: City) -> Asked:
    """Ask after another client has used up its limit."""
    await city.in_turn("news", TURN)
    return await city.in_turn("farm", range(3)), 3


async def all_day(city: City) -> Asked:
    """Ask ten times a second."""
    found = await city.in_turn("news", range(90), pause=0.1)
    return found, int(0.75 * (BURST + RATE * (found[-1].ended - found[0].asked)))


async def away_slow(city: City) -> Asked:
    """Ask every two seconds, without the store."""
    city.store.away = True
    return await city.in_turn("farm", [1] * 4, pause=2), 4


async def away(city: City) -> Asked:
    """Ask as often as possible, without the store."""
    city.store.away = True
    return await city.in_turn("news", range(40), pause=0.05), 0


async def back(city: City) -> Asked:
    """Ask for a whole burst through one gateway, with the store there again."""
    await away(city)
    city.store.away = False
    await city.sleep(4)
    return await city.in_turn("news", ONE), BURST


PLANS: dict[str, Callable[[City], Awaitable[Asked]]] = {
    "the store is away, and one request comes every 2 s": away_slow,
    "the store is away": away,
    "another client has used up its limit": two_clients,
    "all requests come through one gateway": one_door,
    "the store is back, and all requests come through one gateway": back,
    "one request comes after another, through the gateways in turn": spread,
    "nine requests come, and a moment later nine more": two_bursts,
    "twenty requests come at the same moment": at_once,
    "ten requests come each second": all_day,
}
KINDS = [*PLANS, *PLANS]
