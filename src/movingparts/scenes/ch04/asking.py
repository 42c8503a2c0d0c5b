"""How the rider's app asks for one thing, over a network that loses messages.

Source: chapter 04's lab. Leaves out: longer and longer waits (chapter 12).
"""

from __future__ import annotations

from typing import Any

import httpx

from movingparts.core import Node

PATIENCE = 1.0  # seconds, until the app asks again
TRIES = 3
HEADERS = {"authorization": "Bearer token-of-ada"}


class NoAnswer(Exception):
    """The app has asked three times, or has got an error."""


class Phone:
    """Ada's phone at the harbor, which asks again after a second without an answer."""

    def __init__(self, node: Node) -> None:
        self._node, self.again = node, 0

    async def get(self, url: str) -> Any:
        """Return what is at a URL; raise `NoAnswer`."""
        url = url.format(rider="ada", station="harbor")
        for _ in range(TRIES):
            try:
                answer = await self._node.client.get(
                    url, headers=HEADERS, timeout=PATIENCE
                )
                return answer.raise_for_status().json()
            except httpx.TimeoutException:
                self.again += 1
            except httpx.HTTPError as error:
                raise NoAnswer(url) from error
        raise NoAnswer(url)
