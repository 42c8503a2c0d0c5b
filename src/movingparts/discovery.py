"""Service discovery: where the copies of a service are, as of a moment ago."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI

from movingparts.core import Node
from movingparts.service import service

REGISTRY = "http://registry"


@dataclass
class Leases:
    """Which copies of which services are registered, and until when.

    >>> leases = Leases(now=lambda: 0.0)
    >>> leases.grant("rides", "http://rides-1", seconds=3)
    >>> leases.copies("rides")
    ['http://rides-1']
    """

    now: Callable[[], float]
    until: dict[str, dict[str, float]] = field(default_factory=dict)

    def grant(self, name: str, copy: str, *, seconds: float) -> None:
        """List a copy for so many seconds; it asks again before they are over."""
        self.until.setdefault(name, {})[copy] = self.now() + seconds

    def revoke(self, name: str, copy: str) -> None:
        """Take a copy off the list."""
        self.until.get(name, {}).pop(copy, None)

    def copies(self, name: str) -> list[str]:
        """Return the copies whose lease isn't over."""
        leases = self.until.get(name, {})
        return sorted(copy for copy, until in leases.items() if until > self.now())


def registry(node: Node, leases: Leases | None = None) -> FastAPI:
    """Return the service that lists every service's copies.

    It keeps leases in memory: after a restart, the list is empty until the copies
    renew.

    Source: chapter 12. Leaves out: copies of the registry itself, and watches.
    """
    app = service(node, title="registry")
    leases = leases or Leases(node.clock.monotonic)

    @app.put("/services/{name}")
    async def renew(name: str, copy: str, seconds: float) -> None:
        leases.grant(name, copy, seconds=seconds)

    @app.delete("/services/{name}")
    async def leave(name: str, copy: str) -> None:
        leases.revoke(name, copy)

    @app.get("/services/{name}")
    async def copies(name: str) -> list[str]:
        return leases.copies(name)

    return app


@asynccontextmanager
async def registered(
    node: Node, name: str, copy: str, *, seconds: float = 3.0, at: str = REGISTRY
) -> AsyncIterator[None]:
    """Keep a copy's lease while the block runs, and give it back at the end.

    A copy that crashes can't give it back: its lease runs out.
    """
    url = f"{at}/services/{name}"
    patience = seconds / 6  # so that there is time for another try

    async def renew() -> None:
        try:
            lease = {"copy": copy, "seconds": f"{seconds:g}"}
            await node.client.put(url, params=lease, timeout=patience)
        except httpx.HTTPError as error:
            node.logs.append(f"{copy} has not renewed its lease: {error}")

    async def keep() -> None:
        while True:
            await node.clock.sleep(seconds / 3)
            await renew()

    await renew()
    keeping = node.tasks.create_task(keep(), name=f"lease of {copy}")
    try:
        yield
    finally:
        keeping.cancel()
        try:
            await node.client.delete(url, params={"copy": copy}, timeout=patience)
        except httpx.HTTPError as error:
            node.logs.append(f"{copy} has not given its lease back: {error}")


class Lookup:
    """What a caller knows of a service's copies: a list, and it may be a bit old.

    From the first call on, it asks the registry again and again, `seconds` after each
    answer. If the registry doesn't answer, or knows no copy, it goes on with the list
    that it has.

    Source: chapter 12. Leaves out: a registry that reports changes (a watch).
    """

    def __init__(
        self, node: Node, name: str, *, seconds: float = 1.0, at: str = REGISTRY
    ) -> None:
        self._node, self._seconds = node, seconds
        self._url = f"{at}/services/{name}"
        self._first = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self.known: Sequence[str] = ()

    async def copies(self) -> Sequence[str]:
        """Return the newest list. Only the first call has to wait for it."""
        if self._following is None:
            follow = self._follow()
            self._following = self._node.tasks.create_task(follow, name="lookup")
        await self._first.wait()
        return self.known

    async def _follow(self) -> None:
        while True:
            await self._ask()
            self._first.set()
            await self._node.clock.sleep(self._seconds)

    async def _ask(self) -> None:
        try:
            answer = await self._node.client.get(self._url, timeout=0.5)
            self.known = answer.raise_for_status().json() or self.known
        except httpx.HTTPError as error:
            self._node.logs.append(f"the registry is not available: {error}")


class HealthChecks:
    """Asks copies whether they are ready, and leaves out those that often are not.

    A copy is left out after `failures` checks in a row without a good answer within
    `patience` seconds; one good answer takes it back.

    Source: chapter 12. Leaves out: copies that are left out because of riders' errors
    (`breaker`).
    """

    def __init__(self, node: Node, *, failures: int = 2, patience: float = 0.5) -> None:
        self._node, self._most, self._patience = node, failures, patience
        self._failed: dict[str, int] = {}

    async def follow(self, lookup: Lookup, *, seconds: float = 1.0) -> None:
        """Check the copies that a lookup knows, again and again."""
        while True:
            await self.check(await lookup.copies())
            await self._node.clock.sleep(seconds)

    async def check(self, copies: Sequence[str]) -> None:
        """Ask each copy once, all at the same time."""
        await asyncio.gather(*map(self._check, copies))

    async def _check(self, copy: str) -> None:
        url = f"{copy}/ready"
        try:
            answer = await self._node.client.get(url, timeout=self._patience)
            answer.raise_for_status()
            self._failed[copy] = 0
        except httpx.HTTPError:
            self._failed[copy] = self._failed.get(copy, 0) + 1

    def passing(self, copies: Sequence[str]) -> Sequence[str]:
        """Return the copies that pass; one that was never asked does."""
        return [c for c in copies if self._failed.get(c, 0) < self._most]

    def healthy(self, copies: Sequence[str]) -> Sequence[str]:
        """Return the copies that pass, or all if none does.

        Then the check is more likely wrong than all copies at once.
        """
        return self.passing(copies) or copies
