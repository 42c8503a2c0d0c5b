"""Rate limits: how often a client may ask, at one gateway and across several."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.requests import Request

from movingparts.core import Node
from movingparts.core.node import ASGIApp, Scope
from movingparts.service import problem, service

# Takes one request from a client's limit; returns the seconds to wait, 0 for none.
Take = Callable[[str], Awaitable[float]]


class TokenBucket:
    """At most `rate` requests a second in the long run, and `burst` at once.

    >>> seconds = iter([0.0, 0.0, 0.0, 0.5])
    >>> bucket = TokenBucket(lambda: next(seconds), rate=2, burst=1)
    >>> bucket.take(), bucket.take(), bucket.take()
    (0.0, 0.5, 0.0)

    Raises `ValueError` for a bucket that would never let anything through: a third of
    a small burst may be less than one. Source: chapter 12.
    """

    __slots__ = ("_at", "_burst", "_now", "_rate", "tokens")

    def __init__(self, now: Callable[[], float], *, rate: float, burst: float) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"needs rate > 0 and burst >= 1, got {rate} and {burst}")
        self._now, self._rate, self._burst = now, rate, burst
        self.tokens, self._at = burst, now()

    def take(self) -> float:
        """Take a token, and return 0; or return the seconds until there is one."""
        now = self._now()
        self.tokens = min(self._burst, self.tokens + (now - self._at) * self._rate)
        self._at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self._rate
        self.tokens -= 1
        return 0.0


class PerClient:
    """A bucket for each client; of those not seen for long, it forgets the oldest.

    Source: chapter 12. Leaves out: who a client is (chapter 16).
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        rate: float,
        burst: float,
        clients: int = 10_000,
    ) -> None:
        self._now, self._rate, self._burst = now, rate, burst
        self._clients = clients
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    async def take(self, client: str) -> float:
        """Take one request of this client; return 0, or the seconds to wait."""
        bucket = self._buckets.pop(client, None) or TokenBucket(
            self._now, rate=self._rate, burst=self._burst
        )
        self._buckets[client] = bucket  # the last one seen
        if len(self._buckets) > self._clients:
            self._buckets.popitem(last=False)
        return bucket.take()


def shared_limits(node: Node, *, rate: float, burst: float) -> FastAPI:
    """Return a service that keeps every client's bucket, for all gateways."""
    app = service(node, title="limits")
    limits = PerClient(node.clock.monotonic, rate=rate, burst=burst)

    @app.post("/take")  # a client's name may have a slash in it: it is no path
    async def take(client: str) -> dict[str, float]:
        return {"seconds": await limits.take(client)}

    return app


class SharedLimit:
    """Asks the service of `shared_limits`; decides by itself if that one is away.

    `patience` is in seconds. Source: chapter 12. Leaves out: taking several tokens at
    once, which saves most of the calls.
    """

    def __init__(self, node: Node, fallback: Take, *, patience: float = 0.05) -> None:
        self._client, self._fallback = node.client, fallback
        self._patience = patience

    async def take(self, client: str) -> float:
        """Take one request of this client; return 0, or the seconds to wait."""
        try:
            answer = await self._client.post(
                "http://limits/take",
                params={"client": client},
                timeout=self._patience,
            )
            return float(answer.raise_for_status().json()["seconds"])
        except httpx.HTTPError:
            return await self._fallback(client)


class RateLimit:
    """ASGI middleware: answer 429 to a client that asks too often.

    `client_of` says who asks. Source: chapter 12; RFC 6585.
    """

    def __init__(
        self, app: ASGIApp, *, take: Take, client_of: Callable[[Request], str]
    ) -> None:
        self._app, self._take, self._client_of = app, take, client_of

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it before the app has any work with it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wait = await self._take(self._client_of(Request(scope)))
        if wait == 0:
            await self._app(scope, receive, send)
            return
        answer = problem(429, "too many requests: wait, then ask again")
        answer.headers["retry-after"] = str(math.ceil(wait))
        await answer(scope, receive, send)


class Overloaded(Exception):
    """There is too much work already; nothing was started."""


class FairLimit:
    """At most `limit` requests under way, and at most an equal share for each client.

    It sheds load: what it refuses costs nothing, and what it takes is done in time. A
    client alone may have it all; when others come, each gets its share.

    Source: chapter 12. Leaves out: priorities, a limit that finds itself.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.busy: Counter[str] = Counter()

    @contextmanager
    def enter(self, client: str) -> Iterator[None]:
        """Work for this client in the block, or raise `Overloaded` at once."""
        share = self._limit // len(self.busy.keys() | {client})
        if self.busy.total() >= self._limit or self.busy[client] >= share:
            raise Overloaded(f"{self.busy.total()} requests are under way")
        self.busy[client] += 1
        try:
            yield
        finally:
            self.busy[client] -= 1
            if not self.busy[client]:
                del self.busy[client]  # it has no share while it doesn't ask
