"""Rides are published, one after another, to a stream whose leader may die.

Source: chapter 05. Leaves out: an outbox, without which a dead publisher forgets.
"""

from __future__ import annotations

import asyncio
import itertools
from functools import partial

from movingparts.bus import Event
from movingparts.scenes.ch05.real import SUBJECT, ride_ended
from movingparts.world.local.cluster import PAUSE, Cluster

STREAM = "RIDES"


class Publisher:
    """Publishes each ride until it is acknowledged, and knows when that was."""

    def __init__(self, cluster: Cluster) -> None:
        self.rides: list[str] = []
        self._cluster, self._times, self._new = cluster, list[float](), asyncio.Event()

    def __repr__(self) -> str:
        return f"<Publisher: {len(self.rides)} acknowledged>"

    async def publish(self) -> None:
        """Make the stream, and publish until this is cancelled."""
        insist, jetstream = self._cluster.insist, self._cluster.jetstream
        await self._cluster.stream(STREAM, "rides.>")
        for number in itertools.count(1):
            event = ride_ended(number)
            await insist(partial(jetstream.publish, SUBJECT, event.to_json()))
            self.rides.append(str(event.subject))
            self._times.append(asyncio.get_running_loop().time())
            self._new.set()
            await asyncio.sleep(PAUSE)

    async def more(self, count: int) -> None:
        """Wait until so many more rides have been acknowledged."""
        enough = len(self.rides) + count
        while len(self.rides) < enough:
            self._new.clear()
            await self._new.wait()

    def gap(self) -> float:
        """Return the longest time from one acknowledgment to the next, in seconds."""
        return max(later - sooner for sooner, later in itertools.pairwise(self._times))

    async def lost(self) -> set[str]:
        """Return the acknowledged rides that are not in the stream, read as a whole."""
        return {*self.rides} - {*await self._cluster.insist(self._kept)}

    async def _kept(self) -> list[str]:
        jetstream = self._cluster.jetstream
        info = await jetstream.stream_info(STREAM)
        source = await jetstream.subscribe(SUBJECT, ordered_consumer=True)
        found = [await source.next_msg(5.0) for _ in range(info.state.messages)]
        await source.unsubscribe()
        return [str(Event.from_json(message.data).subject) for message in found]
