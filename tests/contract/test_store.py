"""What every store promises: units of work behave alike, whatever keeps them."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from movingparts.city.availability.model import (
    Bike,
    BikeId,
    BikeOffered,
    Reservation,
    ReservationId,
    Rider,
    RiderId,
    Stand,
    StandId,
)
from movingparts.repository import NotFound, RecordedEvent, StaleVersion
from movingparts.unit_of_work import Store, UnitOfWork, execute
from movingparts.world import simulate
from tests.contract.stores import ON_SQLITE, PLACES, WITHOUT_FILES, Open, connect

ROOT = Path(__file__).parents[2]
AT = datetime(2031, 5, 5, 8, tzinfo=UTC)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """What opens a store; each time it is another one, with the same aggregates."""
    with ExitStack() as stack:
        yield PLACES[request.param](stack, tmp_path)


@pytest.fixture
def store(place: Open) -> Store:
    return place()


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(main)


def stand(name: str, *bikes: str) -> Stand:
    made = Stand(StandId(name))
    for bike in bikes:
        made.offer(BikeId(bike), AT)
    return made


def offered(name: str, bike: str) -> BikeOffered:
    return BikeOffered(StandId(name), BikeId(bike), AT)


async def save(store: Store, *aggregates: Any) -> tuple[RecordedEvent, ...]:
    work = store.begin()
    for aggregate in aggregates:
        work.of(type(aggregate)).add(aggregate)
    return await work.commit()


async def bikes(store: Store, name: str) -> list[str]:
    return [*(await store.begin().of(Stand).get(name)).bikes]


# --- one unit of work ----------------------------------------------------------------


def test_what_is_read_twice_is_the_same_object(store: Store) -> None:
    async def main() -> None:
        await save(store, stand("S1", "B1"))
        work = store.begin()
        once = await work.of(Stand).get("S1")
        assert once is await work.of(Stand).get("S1")
        assert once is await work.of(Stand).find("S1")
        assert once is not await store.begin().of(Stand).get("S1")

    run(main())


def test_what_is_added_is_the_same_object_and_no_other_has_its_key(
    store: Store,
) -> None:
    async def main() -> None:
        work, mine = store.begin(), stand("S1", "B1")
        assert mine is work.of(Stand).add(mine)
        assert mine is work.of(Stand).add(mine)
        assert mine is await work.of(Stand).get("S1")
        with pytest.raises(ValueError, match=r"^Stand 'S1' is in this unit of work"):
            work.of(Stand).add(stand("S1", "B2"))
        mine.offer(BikeId("B3"), AT)
        await work.commit()
        assert ["B1", "B3"] == await bikes(store, "S1")

    run(main())


def test_a_key_belongs_to_its_kind(store: Store) -> None:
    async def main() -> None:
        bike = Bike(BikeId("X1"))
        bike.record_fitness(False)
        await save(store, stand("X1", "B1"), bike)
        work = store.begin()
        assert isinstance(await work.of(Stand).get("X1"), Stand)
        assert isinstance(await work.of(Bike).get("X1"), Bike)
        assert ["X1"] == await work.of(Bike).keys()

    run(main())


def test_what_is_not_there_is_not_found(store: Store) -> None:
    async def main() -> None:
        work = store.begin()
        assert await work.of(Stand).find("S1") is None
        with pytest.raises(NotFound, match=r"^there is no Stand 'S1'$"):
            await work.of(Stand).get("S1")
        assert [] == await work.of(Stand).keys()

    run(main())


def test_nothing_is_saved_without_commit(store: Store) -> None:
    async def main() -> None:
        await save(store, stand("S1", "B1"))
        work = store.begin()
        (await work.of(Stand).get("S1")).offer(BikeId("B2"), AT)
        work.of(Stand).add(stand("S2", "B3"))
        assert ["B1"] == await bikes(store, "S1")
        assert await store.begin().of(Stand).find("S2") is None
        await work.commit()
        assert ["B1", "B2"] == await bikes(store, "S1")
        assert ["B3"] == await bikes(store, "S2")

    run(main())


def test_what_is_read_again_is_what_was_saved(place: Open) -> None:
    """Each field of each kind, times in UTC, and a mapping in the order it was in."""

    async def main() -> None:
        rider = Rider(RiderId("R1"))
        rider.admit(False)
        rider.admit(True)
        bike = Bike(BikeId("B9"))
        bike.arrive(StandId("S1"), True, AT + timedelta(microseconds=1))
        bike.record_fitness(False)
        here = stand("S1", "B9", "B1", "B5")
        first = here.reserve(ReservationId("r1"), RiderId("R1"), AT)
        bike.hand_over(first)
        here.reserve(ReservationId("r2"), RiderId("R2"), AT)
        rider.promised(first)
        here.ask_for_bikes(AT)
        await save(place(), rider, bike, here)

        work = place().begin()
        again = await work.of(Stand).get("S1")
        again.withdraw(BikeId("B9"), AT)
        again.offer(BikeId("B9"), AT)  # now it has come last
        her = await work.of(Rider).get("R1")
        her.record_collection(first)
        await work.commit()
        here.withdraw(BikeId("B9"), AT)
        here.offer(BikeId("B9"), AT)
        rider.record_collection(first)

        work = place().begin()
        for kind, kept in ((Rider, rider), (Bike, bike), (Stand, here)):
            again: Any = await work.of(kind).get(kept.key)
            assert [] == again.events
            assert repr(kept) == repr(again)
            for field in fields(kept):
                was, now = getattr(kept, field.name), getattr(again, field.name)
                assert was == now
                if isinstance(was, dict):
                    assert [*was.items()] == [*now.items()]
        assert isinstance(her.served, Reservation)
        times = [again.asked_at, *again.bikes.values(), her.served.until]
        assert {"+00:00"} == {time.isoformat()[-6:] for time in times}

    run(main())


def test_keys_come_in_their_order(place: Open) -> None:
    async def main() -> None:
        names = ["S2", "S10", "s1", "Å", "S1", "z", "東"]
        for name in names:
            await save(place(), stand(name, "B1"))
        work = place().begin()
        work.of(Stand).add(stand("S0", "B1"))
        assert sorted(names) == await work.of(Stand).keys()
        assert [] == await work.of(Rider).keys()

    run(main())


# --- what happened -------------------------------------------------------------------


def test_events_are_numbered_without_a_gap_and_published_once(place: Open) -> None:
    async def main() -> None:
        work, here = place().begin(), stand("S1", "B1", "B2")
        work.of(Stand).add(here)
        assert (
            RecordedEvent("Stand", "S1", 1, offered("S1", "B1")),
            RecordedEvent("Stand", "S1", 2, offered("S1", "B2")),
        ) == await work.commit()
        assert [] == here.events
        assert () == await work.commit()
        here.offer(BikeId("B3"), AT)  # a unit of work may go on
        third = await work.commit()
        assert (RecordedEvent("Stand", "S1", 3, offered("S1", "B3")),) == third

        work = place().begin()
        again = await work.of(Stand).get("S1")
        assert [] == again.events
        again.offer(BikeId("B4"), AT)
        other = work.of(Stand).add(stand("S2", "B5"))
        reported = await work.commit()
        assert [("S1", 4), ("S2", 1)] == [(each.key, each.number) for each in reported]
        assert [] == [*again.events, *other.events]

    run(main())


def test_where_nothing_happened_nothing_is_written(place: Open) -> None:
    """Not even looked at: what was only read may have been written meanwhile."""

    async def main() -> None:
        await save(place(), stand("S1", "B1"))
        reader, writer = place().begin(), place().begin()
        await reader.of(Stand).get("S1")
        reader.of(Stand).add(Stand(StandId("S2")))  # new, and nothing happened to it
        (await writer.of(Stand).get("S1")).offer(BikeId("B2"), AT)
        [recorded] = await writer.commit()
        assert () == await reader.commit()
        assert ["S1"] == await place().begin().of(Stand).keys()
        work = place().begin()
        (await work.of(Stand).get("S1")).offer(BikeId("B3"), AT)
        assert recorded.number + 1 == (await work.commit())[0].number

    run(main())


# --- several units of work -----------------------------------------------------------


def test_who_was_faster_is_not_overwritten(place: Open) -> None:
    async def main() -> None:
        await save(place(), stand("S1", "B1"))
        slow, fast = place().begin(), place().begin()
        mine = await slow.of(Stand).get("S1")
        mine.offer(BikeId("B2"), AT)
        (await fast.of(Stand).get("S1")).offer(BikeId("B3"), AT)
        await fast.commit()
        with pytest.raises(StaleVersion) as error:
            await slow.commit()
        assert str(error.value) == (
            "Stand 'S1' was read at version 1 and was written by somebody else since:"
            " nothing is saved; read it again and decide again"
        )
        # What it wanted is not lost, and can be looked at.
        assert [offered("S1", "B2")] == mine.events
        assert "<Stand S1: 2 bikes offered, 0 promised>" == repr(mine)
        assert ["B1", "B3"] == await bikes(place(), "S1")
        with pytest.raises(StaleVersion, match=r"^Stand 'S1' was read at version 1 "):
            await slow.commit()  # it stays so

        again = place().begin()
        (await again.of(Stand).get("S1")).offer(BikeId("B2"), AT)
        assert [3] == [each.number for each in await again.commit()]
        assert ["B1", "B3", "B2"] == await bikes(place(), "S1")

    run(main())


def test_what_is_there_is_not_added_again(place: Open) -> None:
    async def main() -> None:
        one, other = place().begin(), place().begin()
        one.of(Stand).add(stand("S1", "B1"))
        mine = other.of(Stand).add(stand("S1", "B2"))
        await one.commit()
        with pytest.raises(StaleVersion, match=r"^Stand 'S1' was new and was written"):
            await other.commit()
        assert [offered("S1", "B2")] == mine.events
        assert ["B1"] == await bikes(place(), "S1")

    run(main())


@pytest.mark.parametrize("order", [("S1", "S2", "S3"), ("S3", "S2", "S1")])
@pytest.mark.parametrize("new", [False, True])
def test_all_of_a_unit_of_work_is_saved_or_nothing(
    place: Open, order: tuple[str, ...], new: bool
) -> None:
    """Whichever comes first: the one that somebody else has written, or the others."""

    async def main() -> None:
        await save(place(), stand("S2", "B2"), *([] if new else [stand("S1", "B1")]))
        work = place().begin()
        for name in order:
            stands = work.of(Stand)
            here = await stands.find(name) or stands.add(stand(name))
            here.offer(BikeId("B9"), AT)
        other = place().begin()
        found = await other.of(Stand).find("S1") or other.of(Stand).add(stand("S1"))
        found.offer(BikeId("B3"), AT)
        await other.commit()
        with pytest.raises(StaleVersion, match=r"^Stand 'S1' "):
            await work.commit()
        for name in order:
            mine = await work.of(Stand).get(name)
            assert [offered(name, "B9")] == mine.events
            assert "B9" in mine.bikes
        assert (["B3"] if new else ["B1", "B3"]) == await bikes(place(), "S1")
        assert ["B2"] == await bikes(place(), "S2")
        assert await place().begin().of(Stand).find("S3") is None

    run(main())


def test_of_many_that_have_read_the_same_one_wins(place: Open) -> None:
    async def main() -> None:
        await save(place(), stand("S1", "B0"))
        works = [place().begin() for _ in range(8)]
        for number, work in enumerate(works):
            (await work.of(Stand).get("S1")).offer(BikeId(f"B{number + 1}"), AT)
        became = await asyncio.gather(
            *(work.commit() for work in works[3:] + works[:3]), return_exceptions=True
        )
        won = [each for each in became if isinstance(each, tuple)]
        lost = [each for each in became if isinstance(each, StaleVersion)]
        assert (1, 7) == (len(won), len(lost))
        assert ["B0", won[0][0].event.bike_id] == await bikes(place(), "S1")

    run(main())


def test_a_unit_of_work_holds_nothing_locked_while_it_awaits(place: Open) -> None:
    """Here nobody waits for a lock: if one is held, the other's commit raises."""

    async def main() -> None:
        await save(place(), stand("S1", "B1"), stand("S2", "B2"))
        reading, reported = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            work = place().begin()
            (await work.of(Stand).get("S1")).offer(BikeId("B3"), AT)
            work.of(Stand).add(stand("S3", "B4"))
            reading.set()
            await reported.wait()
            await work.commit()

        task = asyncio.create_task(slow())
        await reading.wait()
        work = place().begin()
        (await work.of(Stand).get("S2")).offer(BikeId("B5"), AT)
        await work.commit()
        reported.set()
        await task
        assert ["B1", "B3"] == await bikes(place(), "S1")
        assert ["B2", "B5"] == await bikes(place(), "S2")

    run(main())


def test_everybody_who_decides_again_gets_through(place: Open) -> None:
    async def main() -> None:
        await save(place(), stand("S1", "B"))

        async def rider(number: int, store: Store) -> None:
            async def act(work: UnitOfWork) -> None:
                here = await work.of(Stand).get("S1")
                await asyncio.sleep(0)
                here.offer(BikeId(f"B{number}"), AT)

            await execute(store, act)

        await asyncio.gather(*(rider(number, place()) for number in range(6)))
        assert [f"B{number}" for number in range(6)] == sorted(
            (await bikes(place(), "S1"))[1:]
        )

    run(main())


NAMES = ("S1", "S2", "S3")
UNITS = st.lists(st.sets(st.sampled_from(NAMES), min_size=1).map(sorted), max_size=6)


@pytest.mark.slow
@pytest.mark.parametrize("kind", WITHOUT_FILES)
@given(units=UNITS, order=st.lists(st.integers(0, 5), max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_interleaving_is_as_if_they_came_one_after_the_other(
    kind: str, units: list[list[str]], order: list[int]
) -> None:
    """In the order of their commits, each has seen what those before it have left.

    A unit of work changes all that it reads here: what is only read is not checked.
    """

    async def main(store: Store) -> None:
        committed: list[int] = []
        seen: list[dict[str, list[str]]] = [{} for _ in units]

        async def unit(number: int, names: list[str]) -> Any:
            work = store.begin()
            for name in names:
                here = await work.of(Stand).get(name)
                seen[number][name] = [*here.bikes]
                here.offer(BikeId(f"B{number}"), AT)
                yield
            try:
                reported = await work.commit()
            except StaleVersion:
                return
            committed.append(number)
            for each in reported:
                assert each.number == len(seen[number][each.key]) + 1

        await save(store, *(stand(name, "B") for name in NAMES))
        running = [unit(number, names) for number, names in enumerate(units)]
        rest = [number for number in range(len(units)) for _ in range(4)]
        for turn in [*(turn % max(1, len(units)) for turn in order), *rest]:
            if units:
                await anext(running[turn], None)

        state = {name: ["B"] for name in NAMES}
        for number in committed:
            for name in units[number]:
                assert state[name] == seen[number][name]
                state[name].append(f"B{number}")
        assert state == {name: await bikes(store, name) for name in NAMES}
        assert bool(units) == bool(committed)

    with ExitStack() as stack:
        run(main(WITHOUT_FILES[kind](stack, None)()))


@pytest.mark.parametrize("kind", ON_SQLITE)
@pytest.mark.parametrize("fails", [False, True])
def test_what_save_adds_is_committed_with_the_aggregates_or_not_at_all(
    kind: str, fails: bool
) -> None:
    async def main(store: Any, db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE notes (key TEXT, number INTEGER)")

        def note(recorded: Sequence[RecordedEvent]) -> None:
            rows = [(each.key, each.number) for each in recorded]
            db.executemany("INSERT INTO notes VALUES (?, ?)", rows)
            if fails:
                raise ValueError("what happened can't be told")

        getattr(store, "rows", store).save = note
        if fails:
            with pytest.raises(ValueError, match="can't be told"):
                await save(store, stand("S1", "B1"))
        else:
            await save(store, stand("S1", "B1"))
        assert not db.in_transaction
        notes = [tuple(row) for row in db.execute("SELECT * FROM notes")]
        here = await store.begin().of(Stand).find("S1")
        found = (notes, here and [*here.bikes])
        assert found == (([], None) if fails else ([("S1", 1)], ["B1"]))

    with closing(connect(":memory:")) as db:
        run(main(ON_SQLITE[kind](lambda: db), db))


# --- several processes ---------------------------------------------------------------


class Rivals:
    """Processes that want the same stand, each controlled by lines of text."""

    def __init__(self, kind: str, path: Path, count: int) -> None:
        command = [sys.executable, "-m", "tests.contract.rival", kind, str(path)]
        self._processes = [
            subprocess.Popen(
                [*command, f"rival{number}"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(count)
        ]
        self._answers()

    def all(self, line: str) -> list[str]:
        """Send all the same line; return their answers."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        return self._answers()

    def _answers(self) -> list[str]:
        return [p.stdout.readline().strip() for p in self._processes if p.stdout]

    def close(self) -> None:
        """End them, and say how they ended."""
        for process in self._processes:
            process.communicate(timeout=60)
        assert {0} == {process.returncode for process in self._processes}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ON_SQLITE)
def test_of_many_processes_that_have_read_the_same_one_wins(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "data.sqlite"
    db = connect(str(path))
    store = ON_SQLITE[kind](lambda: db)
    run(save(store, stand("S1", "B")))
    rivals = Rivals(kind, path, 4)
    stale = "Stand 'S1' was read at version {} and was written by somebody else since:"
    for round_ in range(1, 31):
        assert 4 * ["read"] == rivals.all("read")
        answers = sorted(rivals.all("commit"))
        assert f"won {round_ + 1}" == answers.pop()
        assert all(answer.startswith(stale.format(round_)) for answer in answers)
    rivals.close()
    assert 31 == len(run(bikes(store, "S1")))
    db.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ON_SQLITE)
def test_processes_wait_for_each_others_transactions_and_lose_nothing(
    kind: str, tmp_path: Path
) -> None:
    """No commit fails because the file is locked: it is stale, or it is saved."""
    path = tmp_path / "data.sqlite"
    db = connect(str(path))
    store = ON_SQLITE[kind](lambda: db)
    rivals = Rivals(kind, path, 3)
    assert 3 * ["counted"] == rivals.all("count 40")
    rivals.close()
    wanted = {f"rival{number}/{count}" for number in range(3) for count in range(40)}
    kept = run(bikes(store, "S2"))
    assert (120, wanted) == (len(kept), set(kept))
    db.close()


# --- a crash -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "half"),
    [
        ("rows", "UPDATE aggregates SET version = 77"),
        ("tables", "UPDATE stands SET version = 77"),
        (
            "events",
            """INSERT INTO events (stream, version, id, type, data)
                VALUES ('Stand/S1', 77, '77', 'BikeOffered', '{}')""",
        ),
    ],
)
def test_a_crash_undoes_what_was_not_committed_and_nothing_else(
    kind: str, half: str
) -> None:
    def availability(node: Any) -> FastAPI:
        db = node.disk.connect()
        store = ON_SQLITE[kind](lambda: db)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> Any:
            yield

        app = FastAPI(lifespan=lifespan)

        @app.post("/bikes/{bike}")
        async def offer(bike: str) -> int:
            async def act(work: UnitOfWork) -> None:
                stands = work.of(Stand)
                here = await stands.find("S1") or stands.add(stand("S1"))
                here.offer(BikeId(bike), AT)

            reported: list[RecordedEvent] = []

            async def publish(recorded: Any) -> None:
                reported.extend(recorded)

            await execute(store, act, publish=publish)
            return reported[0].number

        @app.post("/half")
        async def begin() -> None:
            db.execute(half)
            await node.clock.sleep(60)

        return app

    async def scenario(world: Any) -> list[Any]:
        client = world.client("rider")
        await world.serve("availability", availability)
        numbers = [(await client.post("http://availability/bikes/B1")).json()]
        task = world.node("rider").tasks.create_task(
            client.post("http://availability/half")
        )
        await world.clock.sleep(1)
        world.network.crash("availability")
        await asyncio.gather(task, return_exceptions=True)
        await world.network.restart("availability")
        for bike in ("B2", "B1", "B3"):
            reply = await client.post(f"http://availability/bikes/{bike}")
            numbers.append(reply.json() if reply.status_code == 200 else reply.text)
        return numbers

    assert [1, 2, "Internal Server Error", 3] == simulate(scenario, seed=1).result
