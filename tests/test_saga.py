"""A saga goes on after any crash, and a participant does each step once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from movingparts.participant import Participant
from movingparts.saga import Progress, Refused, Sagas, Step


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    yield made
    made.close()


class Clock:
    """Time passes where somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def dies(progress: Progress) -> None:
    raise SystemExit


class City:
    """Services that write down what they are asked; `fails` is what each raises."""

    def __init__(self, db: sqlite3.Connection, **fails: list[BaseException]) -> None:
        self.db, self.fails, self.clock = db, fails, Clock()
        self.asked: list[str] = []
        self.data: dict[str, Any] = {}
        self.paged: list[Progress] = []
        self.page = self.paged.append

    def act(self, name: str, answer: Any = None) -> Any:
        async def act(key: str, data: dict[str, Any]) -> Any:
            self.asked.append(f"{name} {key}")
            self.data = data
            await asyncio.sleep(0)
            if self.fails.get(name):
                raise self.fails[name].pop(0)
            return answer

        return act

    def sagas(self) -> Sagas:
        steps = [
            Step("reserve", self.act("reserve", "B1"), self.act("free")),
            Step("hold", self.act("hold", 900), self.act("void")),
            Step("unlock", self.act("unlock")),
        ]
        return Sagas(self.db, self.clock, steps, self.page)  # type: ignore[arg-type]  # a small fake

    def start(self) -> Progress:
        sagas = self.sagas()
        sagas.begin("r1", {"rider": "ada"})
        return asyncio.run(sagas.run("r1"))

    @property
    def names(self) -> list[str]:
        return [asked.split()[0] for asked in self.asked]


def test_steps_are_done_in_order_and_hand_on_their_answers(db):
    city = City(db)
    assert "done" == city.start().state
    assert ["reserve r1/reserve", "hold r1/hold", "unlock r1/unlock"] == city.asked
    assert {"rider": "ada", "reserve": "B1", "hold": 900} == city.data
    assert "<Sagas of reserve → hold → unlock>" == repr(city.sagas())


def test_a_crash_repeats_one_step_at_most_under_the_same_key(db):
    city = City(db, hold=[SystemExit()])
    with pytest.raises(SystemExit):
        city.start()
    assert ["r1"] == city.sagas().unfinished()
    assert "done" == city.start().state
    assert [] == city.sagas().unfinished()
    assert ["reserve", "hold", "hold", "unlock"] == city.names
    assert 3 == len(set(city.asked))


def test_beginning_and_running_again_does_nothing(db):
    city = City(db)
    with pytest.raises(LookupError, match="no saga 'r1' has begun"):
        city.sagas().load("r1")
    first = city.start()
    assert first == city.start()
    assert 3 == len(city.asked)


def test_an_error_that_leaves_it_open_is_tried_again_with_longer_pauses(db):
    city = City(db, hold=3 * [TimeoutError("late")])
    assert ("done", 6) == (city.start().state, len(city.asked))
    assert 0.1 + 0.2 + 0.4 == pytest.approx(city.clock.now)


def test_a_refused_step_is_not_undone_and_those_before_it_are(db):
    city = City(db, hold=[Refused("no")])
    assert "no" == city.start().reason
    assert ["reserve", "hold", "free"] == city.names


def test_a_step_that_runs_out_of_time_may_have_been_done_and_is_undone_too(db):
    city = City(db, hold=99 * [TimeoutError("late")])
    ended = city.start()
    assert ("undone", "hold: late") == (ended.state, ended.reason)
    assert ["void r1/hold", "free r1/reserve"] == city.asked[-2:]
    assert city.clock.now <= 10


def test_a_crash_on_the_way_back_goes_on_back(db):
    city = City(db, unlock=[Refused("jammed")], free=[SystemExit()])
    with pytest.raises(SystemExit):
        city.start()
    assert "undone" == city.start().state
    assert ["unlock", "void", "free", "free"] == city.names[2:]


def test_a_step_that_cannot_be_undone_gets_stuck_and_can_go_on_later(db):
    city = City(db, unlock=7 * [TimeoutError("late")])
    stuck = city.start()
    assert ("stuck", "forward", [stuck]) == (stuck.state, stuck.way, city.paged)
    assert ["r1"] == city.sagas().unfinished("stuck")
    for _ in range(2):  # the second time, nothing is stuck any more
        city.sagas().retry("r1")
        assert "done" == city.start().state


def test_an_undo_that_fails_gets_stuck_too(db):
    city = City(db, unlock=[Refused("jammed")], void=[Refused("never")])
    stuck = city.start()
    assert ("stuck", "back", [stuck]) == (stuck.state, stuck.way, city.paged)


def test_a_crash_while_a_person_is_told_tells_them_again(db):
    city = City(db, unlock=14 * [TimeoutError("late")])
    city.page = dies
    with pytest.raises(SystemExit):
        city.start()
    city.page = city.paged.append
    assert [city.start()] == city.paged


def test_of_two_runners_one_saves_each_step(db):
    one, two = City(db).sagas(), City(db).sagas()
    one.begin("r1", {})

    async def both() -> list[Progress]:
        return await asyncio.gather(one.run("r1"), two.run("r1"))

    first, second = asyncio.run(both())
    assert (first, "done", 3) == (second, first.state, first.step)


def add(db: sqlite3.Connection) -> str:
    db.execute("INSERT INTO done VALUES (1)")
    return f"B{count(db)}"


def count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM done").fetchone()[0])


@pytest.fixture
def bikes(db: sqlite3.Connection) -> Participant:
    db.execute("CREATE TABLE done (one INTEGER)")
    return Participant(db)


def test_a_key_is_done_once_and_has_its_first_answer_again(bikes):
    assert ["B1", "B1", "B2"] == [bikes.do(key, add) for key in ("a", "a", "b")]


def test_a_refusal_is_remembered_even_if_it_could_be_done_by_now(bikes):
    def refuse(db: sqlite3.Connection) -> None:
        raise Refused("no bike is free")

    for act in (refuse, add):
        with pytest.raises(Refused, match="no bike is free"):
            bikes.do("a", act)


def test_a_step_that_fails_leaves_nothing_and_is_new_again(bikes):
    with pytest.raises(ZeroDivisionError):
        bikes.do("a", lambda db: add(db) and 1 / 0)
    assert "B1" == bikes.do("a", add)


def test_an_undo_takes_back_once_what_was_done(db, bikes):
    bikes.do("a", add)
    for _ in range(2):
        bikes.undo("a", lambda db: db.execute("INSERT INTO done VALUES (-1)"))
    assert 2 == count(db)


def test_a_step_that_comes_after_its_undo_is_refused(db, bikes):
    bikes.undo("a", add)
    with pytest.raises(Refused, match="a was undone"):
        bikes.do("a", add)
