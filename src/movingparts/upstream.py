"""Calls to services on behalf of someone who waits for the answer.

Each call gets what is left of the time, and takes the rider and the request's id
along. Its errors say which service did not answer, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from fastapi import HTTPException

from movingparts.core import Node

TIMEOUT = "timeout-ms"  # a header: how long the caller goes on waiting
RIDER, REQUEST = "x-rider", "x-request-id"


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when an answer is of use: each call gets what is left, and no more.

    >>> Deadline(at=10.0, now=lambda: 9.5).left(most=2.0)
    0.5
    """

    at: float
    now: Callable[[], float]

    def left(self, most: float) -> float:
        """Return the seconds that a call may take."""
        return max(0.0, min(most, self.at - self.now()))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, under which id, and until when."""

    rider: str
    request_id: str
    deadline: Deadline

    def headers(self, seconds: float) -> dict[str, str]:
        """Return what of the request a service gets."""
        left = str(int(seconds * 1000))
        return {RIDER: self.rider, REQUEST: self.request_id, TIMEOUT: left}


def filled(url: str, values: Mapping[str, object]) -> str:
    """Return a URL with values in its places; none of them can change where it leads.

    >>> filled("http://weather/stations/{station}", {"station": "../rides?of=bob"})
    'http://weather/stations/%2E%2E%2Frides%3Fof%3Dbob'
    """
    safe = {key: quote(str(value), safe="") for key, value in values.items()}
    return url.format(**{key: v.replace(".", "%2E") for key, v in safe.items()})


class Unavailable(HTTPException):
    """A service did not answer, or not in time; the caller learns no more than that."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """The services behind a gateway, as it calls them.

    Source: chapter 04; gRPC's deadlines. Leaves out: retries and circuit breakers
    (chapter 12).
    """

    node: Node

    async def call(
        self, caller: Caller, method: str, url: str, most: float = 60.0, **sent: Any
    ) -> httpx.Response:
        """Call a service for as long as there is time, `most` seconds at most.

        Raises `Unavailable` with 503 or 504 (not in time), or 502. Of a request that
        changes something, 502 and 504 don't say whether it was done.
        """
        seconds = caller.deadline.left(most)
        headers = {**sent.pop("headers", {}), **caller.headers(seconds)}
        if seconds == 0:
            raise self.failed(caller, url, 504, "there was no time left to ask")
        try:
            async with asyncio.timeout(seconds):  # httpx limits each read alone
                answer = await self.node.client.request(
                    method, url, headers=headers, timeout=None, **sent
                )
        except TimeoutError as error:
            raise self.failed(caller, url, 504, "no answer in time") from error
        except httpx.TransportError as error:
            raise self.failed(caller, url, 502, str(error)) from error
        if answer.is_server_error:
            status = answer.status_code if answer.status_code in (503, 504) else 502
            later = {k: v for k, v in answer.headers.items() if k == "retry-after"}
            raise self.failed(caller, url, status, answer.text, later)
        return answer

    async def read(self, caller: Caller, url: str, most: float) -> Any:
        """Return the JSON that is at a URL; raise `Unavailable`, with 404 as it is."""
        answer = await self.call(caller, "GET", url, most)
        try:
            return answer.raise_for_status().json()
        except (httpx.HTTPStatusError, ValueError) as error:
            status = 404 if answer.status_code == 404 else 502
            raise self.failed(caller, url, status, answer.text) from error

    def failed(
        self,
        caller: Caller,
        url: str,
        status: int,
        why: str,
        more: Mapping[str, str] | None = None,
    ) -> Unavailable:
        """Log why, for those inside; the caller gets the id that finds it there."""
        self.node.logs.append(f"{caller.request_id} {url}: {why}")
        headers = {REQUEST: caller.request_id, **(more or {})}
        return Unavailable(status, f"{httpx.URL(url).host} is not available", headers)
