"""Fault injection: delay or refuse some requests on purpose, to see what happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from movingparts.core import Node


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to which requests.

    It is for requests to `service` whose path begins with `path`; if `header` is
    given, for those only that have this value in it; and of them for a `share` from 0
    to 1. `delay` is in seconds; `abort` is the status of an answer that is given in
    place of the service's.

    >>> Fault("billing", abort=503).matches("billing", "/charges", {})
    True
    """

    service: str
    path: str = "/"
    header: tuple[str, str] | None = None
    share: float = 1.0
    delay: float = 0.0
    abort: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"a share is from 0 to 1, got {self.share!r}")
        if self.delay < 0:
            raise ValueError(f"a delay is in seconds, from 0, got {self.delay!r}")
        if self.delay == 0 and self.abort is None:
            raise ValueError("this fault does nothing: give a delay or an abort")

    def matches(self, service: str, path: str, headers: Mapping[str, str]) -> bool:
        """Check whether the fault is for such a request, before chance has a say."""
        if self.header is not None:
            name, value = self.header
            if headers.get(name) != value:
                return False
        return service == self.service and path.startswith(self.path)


class Injector:
    """Does to requests what `faults` say, which may change at any time.

    `injected` counts how often one was hit; `note` is called with each fault and the
    request that it is for.

    Source: chapter 12; Envoy's fault filter. Leaves out: slow or broken bodies, and
    anything below HTTP, which a simulated network has.
    """

    def __init__(
        self,
        node: Node,
        faults: Sequence[Fault] = (),
        *,
        note: Callable[[Fault, httpx.Request], object] | None = None,
    ) -> None:
        self._clock, self._random = node.clock, node.random
        self.faults, self._note = faults, note or (lambda *_: None)
        self.injected = 0

    async def inject(self, service: str, request: httpx.Request) -> int | None:
        """Wait, if a delay is for this request; return the status of an abort."""
        for fault in self.faults:
            if not fault.matches(service, request.url.path, request.headers):
                continue
            if self._random.random() >= fault.share:
                continue
            self.injected += 1
            self._note(fault, request)
            await self._clock.sleep(fault.delay)
            if fault.abort is not None:
                return fault.abort
        return None


class FaultyTransport(httpx.AsyncBaseTransport):
    """The transport of a client whose requests meet faults on their way.

    The host of a request names its service. To the client, a delay is a service that
    is slow to answer: its read timeout goes on meanwhile.
    """

    def __init__(self, client: httpx.AsyncClient, injector: Injector) -> None:
        self._client, self._injector = client, injector

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless it is aborted; raises httpx's errors."""
        seconds = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(seconds):
                return await self._answer(request)
        except TimeoutError:
            text = f"waited {seconds:g} s for a reply from {request.url.host}"
            raise httpx.ReadTimeout(text, request=request) from None

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        status = await self._injector.inject(request.url.host, request)
        if status is not None:
            return httpx.Response(status, text="injected fault", request=request)
        await request.aread()
        return await self._client.send(request)
