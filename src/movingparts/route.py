"""How a sidecar calls a service: by the policy that the service has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import httpx

from movingparts.balancer import Balancer, least_requests, round_robin, two_choices
from movingparts.breaker import Breaker
from movingparts.control_plane import Policy
from movingparts.core import Node
from movingparts.faults import Injector
from movingparts.forwarding import checked, to_copy
from movingparts.retry import Budget, Retry, safe_to_repeat

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Route:
    """How to call one service, by the policy that it has."""

    def __init__(self, node: Node, policy: Policy) -> None:
        self.policy, self._now = policy, node.clock.monotonic
        self._balancer = Balancer(
            {
                "round robin": round_robin(),
                "least requests": least_requests(node.random),
                "two choices": two_choices(node.random),
            }[policy.balancer]
        )
        self._breakers: dict[str, Breaker] = {}  # one for each copy
        self._injector = Injector(node, policy.faults)
        most, budget = policy.attempts, Budget(ratio=policy.retry_ratio)
        self._retry = Retry(node.clock, node.random, attempts=most, budget=budget)

    async def call(
        self, request: httpx.Request, copies: Sequence[str], send: Send
    ) -> httpx.Response:
        """Return an answer that is not a 5xx, or raise what the last attempt did."""
        tried: list[str] = []

        async def attempt() -> httpx.Response:
            # Without copies that keep failing; a retry goes to another copy.
            ready = [copy for copy in copies if self._breaker(copy).ready]
            fresh = [copy for copy in ready if copy not in tried]
            with self._balancer.choose(fresh or ready or copies) as copy:
                tried.append(copy)
                return await self._breaker(copy).call(lambda: ask(copy))

        async def ask(copy: str) -> httpx.Response:
            async with asyncio.timeout(self.policy.seconds):
                # A fault takes the place of what the copy might do.
                abort = await self._injector.inject(request.url.host, request)
                if abort is not None:
                    return checked(httpx.Response(abort, request=request))
                return checked(await send(to_copy(copy, request)))

        def again(error: Exception) -> bool:
            return safe_to_repeat(request.method, error)

        return await self._retry.call(attempt, again=again)

    def _breaker(self, copy: str) -> Breaker:
        if copy not in self._breakers:
            most, seconds = self.policy.failures, self.policy.open_seconds
            breaker = Breaker(self._now, failures=most, seconds=seconds)
            self._breakers[copy] = breaker
        return self._breakers[copy]
