"""Contention: what is counted is what happened, and what arithmetic expects."""

import sqlite3
from itertools import pairwise

import pytest

from movingparts.measure.contention import Load, Tally, contend
from movingparts.repository import MemoryRows, SqliteRows
from movingparts.unit_of_work import RowStore
from movingparts.world import Uniform, simulate


def changes(rows, aggregates):
    """Return how often each aggregate was changed, by what is kept."""

    async def read(world):
        tallies = RowStore(rows).begin().of(Tally)
        keys = [f"aggregate-{n}" for n in range(1, aggregates + 1)]
        return [(await tallies.get(key)).changes - 1 for key in keys]

    return simulate(read, seed=0).result


# --- against what can be computed ---------------------------------------------------


@pytest.mark.parametrize("actors", [1, 2, 5, 10])
def test_all_at_once_one_gets_through_after_the_other(actors):
    """The first of n is too late 0 times, the last n - 1 times."""
    load = Load(actors=actors, per_second=None, think=0.2)
    found = contend(load, seed=7)
    assert actors * (actors + 1) // 2 == found.attempts
    assert actors * (actors - 1) // 2 == found.conflicts
    assert tuple((n + 1) * 200_000 / 1_000_000 for n in range(actors)) == found.waited
    assert 0 == found.gave_up


@pytest.mark.parametrize("aggregates", [1, 3, 20])
def test_of_those_who_come_at_once_one_an_aggregate_gets_through(aggregates):
    """As with birthdays: n people have K (1 - (1 - 1/K)^n) of K days on average."""
    people, runs = 12, 60
    load = Load(aggregates, per_second=None, actors=people, attempts=1)
    through = [len(contend(load, seed=seed).waited) for seed in range(runs)]
    expected = aggregates * (1 - (1 - 1 / aggregates) ** people)
    assert sum(through) / runs == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("aggregates", "think"), [(1, 0.05), (1, 0.5), (24, 0.5), (24, 3.0), (300, 3.0)]
)
def test_of_those_who_try_once_as_many_are_late_as_a_blind_counter_misses(
    aggregates, think
):
    """A counter that is blind for d after each count misses rd / (1 + rd)."""
    load = Load(aggregates, per_second=4.0, think=think, actors=2_000, attempts=1)
    expected = load.crowding / (1 + load.crowding)
    spread = (expected * (1 - expected) / load.actors) ** 0.5
    assert contend(load, seed=7).rate == pytest.approx(expected, abs=3 * spread + 0.001)


def test_the_smaller_the_aggregates_the_fewer_are_too_late():
    """Who comes, and when, is the same whatever the aggregates' number."""
    runs = [contend(Load(n, per_second=4, think=0.2), seed=7) for n in (1, 24, 300)]
    assert all(large.rate > small.rate for large, small in pairwise(runs))
    assert {300} == {len(run.waited) + run.gave_up for run in runs}


# --- what holds for each load -------------------------------------------------------


@pytest.mark.parametrize("rows", [MemoryRows, None], ids=["memory", "sqlite"])
def test_no_change_is_lost_and_none_is_made_twice(rows):
    rows = rows() if rows else SqliteRows(sqlite3.connect(":memory:"))
    load = Load(4, per_second=20.0, think=Uniform(0.0, 0.3), actors=200, attempts=3)
    found = contend(load, seed=7, rows=rows)
    assert len(found.waited) == sum(changes(rows, 4))
    assert (200, True) == (len(found.waited) + found.gave_up, found.gave_up > 0)
    assert found.attempts == found.conflicts + len(found.waited)
    assert f"{found.gave_up} gave up" in repr(found)


def test_memory_and_sqlite_count_the_same():
    load = Load(3, actors=100)
    on_disk = SqliteRows(sqlite3.connect(":memory:"))
    assert contend(load, seed=7) == contend(load, seed=7, rows=on_disk)


def test_an_aggregate_that_is_likelier_is_changed_more_often():
    rows = MemoryRows()
    contend(Load((0.0, 1.0, 3.0), per_second=1.0, actors=200), seed=7, rows=rows)
    never, seldom, often = changes(rows, 3)
    assert (0, 200) == (never, seldom + often)
    assert 2 * seldom < often < 4 * seldom


def test_the_same_seed_gives_the_same_run_to_the_byte():
    load = Load(2, actors=50, think=Uniform(0.1, 0.2))
    first, second = (contend(load, seed=7) for _ in range(2))
    assert first.recording.to_json() == second.recording.to_json()
    assert first != contend(load, seed=8)


def test_a_recording_shows_who_read_what_and_whose_commit_was_refused():
    load = Load(actors=2, per_second=None, attempts=2)
    messages = contend(load, seed=7).recording.messages
    assert [
        ("actor-1", "read version 1", "delivered"),
        ("actor-2", "read version 1", "delivered"),
        ("actor-1", "commit on version 1", "delivered"),
        ("actor-2", "commit on version 1", "refused"),
        ("actor-2", "read version 2", "delivered"),
        ("actor-2", "commit on version 2", "delivered"),
    ] == [(m.source, m.label, m.fate) for m in messages]
    assert {"aggregate-1"} == {m.target for m in messages}


# --- what is no load -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"actors": 0}, "an actor"),
        ({"attempts": 0}, "an attempt"),
        ({"aggregates": 0}, "an aggregate"),
        ({"aggregates": ()}, "an aggregate"),
        ({"aggregates": (0.0, 0.0)}, "an aggregate"),
        ({"aggregates": (2.0, -1.0)}, "an aggregate"),
        ({"per_second": 0.0}, "per_second"),
        ({"per_second": -1.0}, "per_second"),
    ],
)
def test_what_is_no_load_is_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        Load(**wrong)


def test_how_crowded_it_is_needs_seconds_and_a_rate():
    assert 0.5 == Load(4, per_second=10.0, think=0.2).crowding
    for unclear in (Load(per_second=None), Load(think=Uniform(0.1, 0.2))):
        with pytest.raises(ValueError, match="needs seconds to think, and a rate"):
            _ = unclear.crowding
