"""Copies of a service that have only so much capacity, as real ones do.

Source: chapter 12. Leaves out: what a copy answers, and that one gets slower under
load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException

from movingparts.core import Node
from movingparts.core.random import Latency, LogNormal
from movingparts.service import Limits, service

WORK = LogNormal(median=0.020, p99=0.060)  # seconds of work for an answer


@dataclass
class Copy:
    """One copy: how long it works on an answer, and on how many at once.

    `work` may be changed during a run; `failing` says of each request, by its number,
    whether the answer is a 500. `waiting` counts the requests that it hasn't answered.
    """

    work: Latency = WORK
    at_once: int = 4
    failing: Callable[[int], bool] | None = None
    served: int = 0
    waiting: int = 0

    def __call__(self, node: Node) -> FastAPI:
        """Return the service; others wait in line while it works on `at_once`."""
        app = service(node, title=node.name, limits=Limits(request=3600))
        workers = asyncio.Semaphore(self.at_once)

        @app.get("/stations/{station}")
        async def bikes(station: str) -> dict[str, object]:
            self.waiting += 1
            try:
                async with workers:
                    await node.clock.sleep(self.work.draw(node.random) / 1_000_000)
            finally:
                self.waiting -= 1
            self.served += 1
            if self.failing is not None and self.failing(self.served):
                raise HTTPException(500, "no bikes could be counted")
            return {"station": station, "bikes": len(station), "copy": node.name}

        return app
