"""A consumer applies each event once and in order, and gets dead letters back."""

import asyncio
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.consumer import DeadLetters, Gap, in_order, once, partition
from movingparts.core.event import Event
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

SEEN = "CREATE TABLE seen (id TEXT, subject TEXT)"


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    made = opened()
    yield made
    made.close()


def opened() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.execute(SEEN)
    return made


def apply(db: sqlite3.Connection, event: Event) -> None:
    db.execute("INSERT INTO seen VALUES (?, ?)", (event.id, event.subject))
    if event.data and event.data.get("poison"):
        raise ValueError("it cannot be read")


def seen(db: sqlite3.Connection) -> list[str]:
    return [row[0] for row in db.execute("SELECT id FROM seen ORDER BY rowid")]


def event(number: int, key: str = "B1", **data: object) -> Event:
    about = {"number": number, **data}
    return Event(f"{key}-{number}", "/docks", "Moved", about, subject=key)


def deliver(handler, *events: Event) -> list[str]:
    """Give a handler these events one by one; return what it raised."""
    raised = []

    async def scenario() -> None:
        for each in events:
            try:
                await handler(each)
            except Exception as error:  # noqa: BLE001  # the test compares it
                raised.append(type(error).__name__)

    asyncio.run(scenario())
    return raised


# --- once -----------------------------------------------------------------------------


def test_an_event_that_comes_again_is_applied_once(db: sqlite3.Connection) -> None:
    assert [] == deliver(once(db, "billing", apply), event(1), event(2), event(1))
    assert ["B1-1", "B1-2"] == seen(db)


def test_the_same_id_from_another_source_is_another_event(
    db: sqlite3.Connection,
) -> None:
    other = Event("B1-1", "/trucks", "Moved", subject="B1")
    deliver(once(db, "billing", apply), event(1), other)
    assert ["B1-1", "B1-1"] == seen(db)


def test_each_consumer_of_a_database_remembers_for_itself(
    db: sqlite3.Connection,
) -> None:
    for name in ("billing", "fleet"):
        deliver(once(db, name, apply), event(1), event(1))
    assert ["B1-1", "B1-1"] == seen(db)


def test_what_failed_has_left_nothing_and_is_new_when_it_comes_again(
    db: sqlite3.Connection,
) -> None:
    handler = once(db, "billing", apply)
    assert ["ValueError"] == deliver(handler, event(1, poison=True))
    assert [] == seen(db)
    assert [] == deliver(handler, event(1))
    assert ["B1-1"] == seen(db)


# --- in order -------------------------------------------------------------------------


def test_what_is_too_early_is_refused_and_what_was_there_is_skipped(
    db: sqlite3.Connection,
) -> None:
    handler = in_order(db, "map", apply)
    assert ["Gap"] == deliver(handler, event(2), event(1), event(1), event(2))
    assert ["B1-1", "B1-2"] == seen(db)
    with pytest.raises(Gap, match="B1: number 3 is due, 5 came"):
        asyncio.run(handler(event(5)))


@given(st.permutations([(key, n) for key in ("B1", "B2") for n in (1, 2, 3)]))
def test_whatever_comes_first_each_key_ends_in_order(
    arrivals: list[tuple[str, int]],
) -> None:
    """Delivered again until nothing is refused, as a bus does."""
    db = opened()
    handler = in_order(db, "map", apply)
    for _ in arrivals:
        deliver(handler, *(event(number, key) for key, number in arrivals))
    for key in ("B1", "B2"):
        own = [each for each in seen(db) if each.startswith(key)]
        assert [f"{key}-{number}" for number in (1, 2, 3)] == own
    db.close()


def test_a_key_keeps_its_partition_and_all_are_used() -> None:
    bikes = [f"B{number:04}" for number in range(300)]
    found = [partition(bike, of=4) for bike in bikes]
    assert found == [partition(bike, of=4) for bike in bikes]
    assert {0, 1, 2, 3} == set(found)


# --- dead letters ---------------------------------------------------------------------


def test_a_dead_letter_is_kept_and_sent_again_once_the_handler_is_fixed() -> None:
    fixed = []

    async def scenario(world: SimulatedWorld) -> list[object]:
        node = world.node("billing")
        letters = DeadLetters(node.disk.connect())
        handled: list[str] = []

        async def handle(event: Event) -> None:
            if event.data["poison"] and not fixed:
                raise KeyError("fare")
            handled.append(event.id)

        await node.bus.stream("city", "rides.>")
        await node.bus.subscribe("rides.>", handle, durable="billing", max_deliver=3)
        await node.bus.subscribe("dead.billing", letters.save, durable="letters")
        for number, poison in enumerate((False, True, False), 1):
            sent = Event(f"{number}", "/rides", "RideEnded", {"poison": poison})
            await node.bus.publish("rides.ride-ended", sent)
        await world.clock.sleep(60)
        held = [(each.subject, each.reason) for each in letters.held()]
        fixed.append(True)
        count = await letters.redrive(node.bus)
        await world.clock.sleep(60)
        return [held, count, sorted(handled), letters.held()]

    held, count, handled, left = simulate(scenario, seed=7).result
    [(subject, reason)] = held
    assert ("rides.ride-ended", True) == (subject, reason.startswith("KeyError: "))
    assert (1, ["1", "2", "3"], []) == (count, handled, left)
