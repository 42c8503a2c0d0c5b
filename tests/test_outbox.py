"""An outbox publishes what was saved: in order, at least once, and nothing else."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from movingparts.core.bus import BusTimeout
from movingparts.core.event import Event
from movingparts.outbox import Outbox
from movingparts.world import simulate


class Broker:
    """Takes events; `meanwhile` says what happens during the n-th `publish`."""

    def __init__(self) -> None:
        self.got, self.meanwhile, self.asked = [], {}, 0

    async def publish(self, subject: str, event: Event) -> None:
        self.asked += 1
        await self.meanwhile.get(self.asked, partial(asyncio.sleep, 0))()
        self.got.append(event.id)


async def silence() -> None:
    raise BusTimeout("not confirmed")


def add(db: sqlite3.Connection, *ids: str) -> Outbox:
    """Return an outbox to which these events were added, in one transaction."""
    outbox = Outbox(db)
    with db:
        for each in ids:
            outbox.add("rides.ride-ended", Event(each, "/rides", "RideEnded"))
    return outbox


def relay(outbox: Outbox, broker: Broker) -> int:
    return asyncio.run(outbox.relay(broker))


@pytest.fixture
def both(tmp_path: Path):
    """Two processes' connections to the same database."""
    file = tmp_path / "rides.sqlite"
    with closing(sqlite3.connect(file)) as db, closing(sqlite3.connect(file)) as other:
        yield db, other


@pytest.fixture
def db(both):
    return both[0]


def test_what_is_rolled_back_is_never_published(db):
    outbox, broker = Outbox(db), Broker()
    with suppress(LookupError), db:
        outbox.add("rides.ride-ended", Event("1", "/rides", "RideEnded"))
        raise LookupError
    assert (0, 0, []) == (outbox.waiting(), relay(outbox, broker), broker.got)


def test_events_are_published_in_the_order_of_adding_and_then_gone(db):
    outbox, broker = add(db, "9", "10", "2"), Broker()
    assert "<Outbox: 3 waiting>" == repr(outbox)
    assert (3, 0) == (relay(outbox, broker), relay(outbox, broker))
    assert ["9", "10", "2"] == broker.got


def test_what_the_broker_does_not_confirm_stays_and_so_does_all_after_it(db):
    outbox, broker = add(db, "1", "2", "3"), Broker()
    broker.meanwhile[2] = silence
    with pytest.raises(BusTimeout):
        relay(outbox, broker)
    assert (["1"], 2) == (broker.got, outbox.waiting())
    assert 2 == relay(outbox, broker)
    assert ["1", "2", "3"] == broker.got


def test_a_crash_between_publishing_and_deleting_publishes_again(both):
    db, other = both
    outbox, broker = add(db, "1", "2"), Broker()
    db.execute("PRAGMA query_only = on")  # so the delete fails
    with pytest.raises(sqlite3.OperationalError):
        relay(outbox, broker)
    assert 2 == relay(Outbox(other), broker)
    assert ["1", "1", "2"] == broker.got


def test_two_relays_on_one_database_lose_no_event(both):
    db, other = both
    slow, broker = add(db, "1"), Broker()

    async def overtake() -> None:
        await Outbox(other).relay(broker)
        add(
            other, "2"
        )  # if its position were that of "1", the slow one would delete it

    broker.meanwhile[1] = overtake
    relay(slow, broker)
    assert (["1", "1", "2"], 0) == (broker.got, slow.waiting())


def test_two_relays_of_one_outbox_take_turns(db):
    outbox, broker = add(db, "1", "2"), Broker()

    async def together() -> list[int]:
        return await asyncio.gather(outbox.relay(broker), outbox.relay(broker))

    assert ([2, 0], ["1", "2"]) == (asyncio.run(together()), broker.got)


def test_it_relays_forever_and_asks_a_silent_broker_again():
    async def scenario(world):
        node, broker = world.node("rides"), Broker()
        broker.meanwhile = {1: silence, 2: silence}
        outbox = add(node.disk.connect(), "1", "2")
        node.tasks.create_task(outbox.run(broker, world.clock, every=10.0))
        await world.clock.sleep(15.0)
        before = list(broker.got)
        await world.clock.sleep(10.0)
        return before, broker.got

    assert ([], ["1", "2"]) == simulate(scenario, seed=1).result
