"""A copy is killed: when do etcd, NATS and DNS stop sending callers to it?

Source: chapter 12. Leaves out: what each costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial

import httpx
import nats
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.micro import add_service
from nats.micro.request import Request

from movingparts.scenes.ch12.dns import Caller, Zone, dns
from movingparts.scenes.ch12.etcd import Etcd
from movingparts.scenes.ch12.etcd_process import etcd, listed_copy
from movingparts.world import LocalWorld, Table

LIVES, DIES = "http://127.0.0.11", "http://127.0.0.12"
SERVICE = "availability"
TTL = 1  # seconds: the lease's in etcd, and the answer's in DNS
PATIENCE = 10.0
Listed = Callable[[], Awaitable[Collection[str]]]


async def after_a_kill(world: LocalWorld) -> Table:
    """Return whether a dead copy still is where callers look."""
    async with asyncio.TaskGroup() as group:
        runs = [
            group.create_task(run) for run in (in_etcd(), in_nats(world), in_dns(world))
        ]
    rows = [row for run in runs for row in run.result()]
    return Table(("the list is in", "right after", "later"), rows)


async def in_etcd() -> list[tuple[str, ...]]:
    """Kill the process of a copy that has a lease in etcd."""
    async with etcd() as url, httpx.AsyncClient(base_url=url, trust_env=False) as to:
        registry = Etcd(to)
        stays = partial(listed_copy, url, SERVICE, seconds=TTL)

        async def listed() -> list[str]:
            return await registry.copies(SERVICE)

        with stays(LIVES), stays(DIES) as dying:
            await _until(listed, {LIVES, DIES})
            dying.kill()
            soon = await listed()
            await _until(listed, {LIVES})
            return [(f"etcd, lease of {TTL} s", _worded(soon), _worded(await listed()))]


async def in_nats(world: LocalWorld) -> list[tuple[str, ...]]:
    """Cut the connection of a copy that subscribes to riders' questions."""
    copies = {url: await _subscribed(world, url) for url in (LIVES, DIES)}
    try:
        await _until(lambda: _answering(world), {LIVES, DIES})
        await copies[DIES].close()
        await _until(lambda: _answering(world), {LIVES})  # the broker notices
        soon = _worded(await _answering(world))
        return [("NATS: no list, a queue group", soon, soon)]
    finally:
        await asyncio.gather(*(copy.close() for copy in copies.values()))


async def in_dns(world: LocalWorld) -> list[tuple[str, ...]]:
    """Take a dead copy's address out of a DNS zone."""
    zone, now = Zone(["127.0.0.11", "127.0.0.12"], TTL), world.clock.monotonic
    async with dns(zone) as server:
        callers = {
            f"DNS, cached for its TTL of {TTL} s": Caller(server, now),
            "DNS, cached forever": Caller(server, now, forever=True),
        }
        for each in callers.values():
            await each.addresses()
        zone.addresses.remove("127.0.0.12")
        soon = [_worded(await each.addresses()) for each in callers.values()]
        await world.clock.sleep(TTL)
        later = [_worded(await each.addresses()) for each in callers.values()]
    return list(zip(callers, soon, later, strict=True))


async def refused_at_once(world: LocalWorld) -> bool:
    """Return whether a caller hears at once that no copy subscribes."""
    try:
        await world.nats.request(SERVICE, timeout=PATIENCE)
    except NoRespondersError:
        return True
    return False


def _worded(listed: Collection[str]) -> str:
    return "listed" if any(each.endswith("12") for each in listed) else "gone"


async def _subscribed(world: LocalWorld, url: str) -> Client:
    """Return the connection of a copy that answers with its URL."""
    connection = await nats.connect(world.broker.url, token=world.broker.token)
    micro = await add_service(connection, name=SERVICE, version="1.0.0")

    async def answer(request: Request) -> None:
        await request.respond(url.encode())

    await micro.add_endpoint(name=SERVICE, handler=answer)
    return connection


async def _answering(world: LocalWorld) -> set[str]:
    """Ask 40 times, and return who answered; nobody, if a question was lost."""
    asked = [world.nats.request(SERVICE, timeout=1) for _ in range(40)]
    try:
        return {answer.data.decode() for answer in await asyncio.gather(*asked)}
    except nats.errors.TimeoutError:
        return set()


async def _until(listed: Listed, copies: set[str]) -> None:
    async with asyncio.timeout(PATIENCE):
        while set(await listed()) != copies:  # noqa: ASYNC110  # nobody reports it
            await asyncio.sleep(0.01)
