"""Fault injection: delay or refuse some requests on purpose, to see what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """Does to requests what the faults say; `injected` counts those that it hit.

    Source: chapter 12; Envoy's fault filter. Leaves out: slow or broken bodies, and
    anything below HTTP, which a simulated network has.
    """

    def __init__(self, node: Node, faults: Sequence[Fault] = ()) -> None:
        self._node, self.faults = node, faults
        self.injected = 0

    async def inject(self, service: str, request: httpx.Request) -> int | None:
        """Wait, if a delay is for this request; return the status of an abort."""
        for fault in self.faults:
            if not fault.matches(service, request.url.path, request.headers):
                continue
            if self._node.random.random() >= fault.share:
                continue
            self.injected += 1
            await self._node.clock.sleep(fault.delay)
            if fault.abort is not None:
                return fault.abort
        return None


class FaultyTransport(httpx.AsyncBaseTransport):
    """The transport of a client whose requests meet faults on their way.

    The host of a request names its service.
    """

    def __init__(self, client: httpx.AsyncClient, injector: Injector) -> None:
        self._client, self._injector = client, injector

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless it is aborted."""
        status = await self._injector.inject(request.url.host, request)
        if status is not None:
            return httpx.Response(status, text="injected fault", request=request)
        await request.aread()
        return await self._client.send(request)
