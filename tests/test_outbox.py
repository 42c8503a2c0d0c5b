import asyncio
import sqlite3
from contextlib import closing

from movingparts.bus import BusError, Event
from movingparts.outbox import Outbox
from movingparts.world import simulate

EVENT = Event("ride-17", "/rides", "RideEnded")


class GoneAtFirst:
    """A bus whose broker is gone when it is asked for the first time."""

    def __init__(self) -> None:
        self.published: list[tuple[str, Event]] = []
        self.asked = 0

    async def publish(self, subject: str, event: Event) -> None:
        self.asked += 1
        if self.asked == 1:
            raise BusError("the broker has gone; nothing was sent")
        self.published.append((subject, event))


def test_goes_on_when_a_broker_that_was_gone_is_back():
    async def scenario(world):
        bus = GoneAtFirst()
        with closing(sqlite3.connect(":memory:")) as db:
            outbox = Outbox(db)
            with db:
                outbox.add("rides.ride-ended", EVENT)
            running = asyncio.create_task(outbox.run(bus, world.clock))
            await world.clock.sleep(1.5)
            running.cancel()
            return bus.published, outbox.waiting()

    assert simulate(scenario, seed=1).result == ([("rides.ride-ended", EVENT)], 0)
