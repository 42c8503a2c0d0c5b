"""An outbox publishes what was saved: in order, at least once, and nothing else."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from movingparts.core.bus import BusTimeout
from movingparts.core.event import Event
from movingparts.outbox import Outbox
from movingparts.world import simulate

SUBJECT = "rides.ride-ended"


class Broker:
    """Takes events; does what a test says while the n-th is on its way."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.on_the_way = {}
        self.asked = 0

    async def publish(self, subject: str, event: Event) -> None:
        assert SUBJECT == subject
        self.asked += 1
        if self.asked in self.on_the_way:
            await self.on_the_way[self.asked]()
        self.got.append(event.id)


async def silence() -> None:
    raise BusTimeout("not confirmed")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rides.sqlite"


@pytest.fixture
def db(file: Path) -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(file)
    yield made
    made.close()


def add(db: sqlite3.Connection, outbox: Outbox, *ids: str) -> None:
    with db:
        for each in ids:
            outbox.add(SUBJECT, Event(each, "/rides", "RideEnded", {"rider": "ada"}))


def test_what_is_rolled_back_is_never_published(db):
    outbox, broker = Outbox(db), Broker()
    with suppress(LookupError), db:
        outbox.add(SUBJECT, Event("1", "/rides", "RideEnded"))
        raise LookupError
    assert (0, 0) == (outbox.waiting(), asyncio.run(outbox.relay(broker)))
    assert [] == broker.got


def test_events_are_published_in_the_order_of_adding_and_then_gone(db):
    outbox, broker = Outbox(db), Broker()
    add(db, outbox, "9", "10", "2")
    assert "<Outbox: 3 waiting>" == repr(outbox)
    assert 3 == asyncio.run(outbox.relay(broker))
    assert 0 == asyncio.run(outbox.relay(broker))
    assert ["9", "10", "2"] == broker.got


def test_what_the_broker_does_not_confirm_stays_and_so_does_all_after_it(db):
    outbox, broker = Outbox(db), Broker()
    add(db, outbox, "1", "2", "3")
    broker.on_the_way[2] = silence
    with pytest.raises(BusTimeout):
        asyncio.run(outbox.relay(broker))
    assert (["1"], 2) == (broker.got, outbox.waiting())
    asyncio.run(outbox.relay(broker))
    assert ["1", "2", "3"] == broker.got


def test_a_crash_between_publishing_and_deleting_publishes_again(file, db):
    outbox, broker = Outbox(db), Broker()
    add(db, outbox, "1", "2")
    db.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_DELETE else 0
    )
    with pytest.raises(sqlite3.DatabaseError):  # dies with the event published
        asyncio.run(outbox.relay(broker))
    db.close()
    again = sqlite3.connect(file)
    assert 2 == asyncio.run(Outbox(again).relay(broker))
    again.close()
    assert ["1", "1", "2"] == broker.got


def test_two_relays_on_one_database_lose_no_event(file, db):
    slow, broker = Outbox(db), Broker()
    other = sqlite3.connect(file)
    quick = Outbox(other)

    async def overtake() -> None:
        await quick.relay(broker)
        add(other, quick, "2")  # were its position that of "1", the slow one deletes it

    broker.on_the_way[1] = overtake
    add(db, slow, "1")
    asyncio.run(slow.relay(broker))
    asyncio.run(quick.relay(broker))
    other.close()
    assert ["1", "1", "2"] == broker.got


def test_two_relays_of_one_outbox_take_turns(db):
    outbox, broker = Outbox(db), Broker()
    add(db, outbox, "1", "2")
    broker.on_the_way[1] = lambda: asyncio.sleep(0)

    async def both() -> list[int]:
        return await asyncio.gather(outbox.relay(broker), outbox.relay(broker))

    assert ([2, 0], ["1", "2"]) == (asyncio.run(both()), broker.got)


def test_it_relays_forever_and_asks_a_silent_broker_again(file):
    async def scenario(world):
        node, broker = world.node("rides"), Broker()
        db = node.disk.connect()
        outbox = Outbox(db)
        broker.on_the_way = {1: silence, 2: silence}
        node.tasks.create_task(outbox.run(broker, world.clock, every=10.0))
        add(db, outbox, "1", "2")
        await world.clock.sleep(15.0)
        before = list(broker.got)
        await world.clock.sleep(10.0)
        return before, broker.got

    assert ([], ["1", "2"]) == simulate(scenario, seed=1).result
