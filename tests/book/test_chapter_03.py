"""Chapter 03 says nothing that its own runs do not show."""

import asyncio
import sqlite3
from functools import partial

import pytest

from movingparts.city.stations.model import MOVED, AnomalyFound
from movingparts.core import Node
from movingparts.measure.contention import Load, contend
from movingparts.scenes.ch03 import last_bike
from movingparts.scenes.ch03.last_bike import Command
from movingparts.world.simulated import simulate
from tests.book.chapters import Names
from tests.book.chapters import page as page_of

CHAPTER = page_of("03-rules-inside/index")
TEXT = CHAPTER.text
RESERVE = "two reservations"


@pytest.fixture(scope="module")
def page() -> Names:
    """What the page's cells leave behind."""
    return CHAPTER.run()


def test_only_what_a_browser_tab_lacks_is_not_live() -> None:
    """SQLAlchemy, and the file of measurements."""
    dead = [c.source for c in CHAPTER.cells if not {"live", "remove-cell"} & c.tags]
    assert 3 == len(dead)
    lacking = ("relational", "in_tables", "bench/measured")
    assert all(any(what in source for what in lacking) for source in dead)


@pytest.mark.slow
def test_the_seed_of_the_page_is_right_and_a_later_one_is_not(page: Names) -> None:
    assert ["B7", "B7"] == page["both"].result
    steps = [moment.text for moment in page["both"].moments]
    assert all("looks" in step for step in steps[:2])
    assert all("saves" in step for step in steps[2:])
    for seed in range(page["unlucky"]):
        run = simulate(lambda world: page["twice"](world, page["anemic"]), seed=seed)
        assert run.result is False


@pytest.mark.slow
def test_one_fixed_handler_is_broken_by_the_others(page: Names) -> None:
    counts = page["counts"]
    assert 5 == len(counts)
    assert all(as_written > 0 for as_written, _ in counts.values())
    assert [RESERVE] == [
        name for name, (_, one_fixed) in counts.items() if not one_fixed
    ]
    assert ["B7", "B7"] == page["undone"].result
    assert "saves, for ada" == page["undone"].moments[2].text
    assert "saves, for bob" == page["undone"].moments[3].text


async def walk_up(node: Node, db: sqlite3.Connection, command: Command) -> str:
    """Mended as the page mends `reserve`: asked first, looked at afterward."""
    await last_bike.ask(node, "billing", f"cards/{command.rider_id}/holds")
    stand = last_bike.find(db, command.stand_id)
    free = [bike for bike in stand.bikes if bike not in stand.promised]
    if not free:
        raise last_bike.Refused("all bikes are promised")
    stand.bikes.remove(free[0])
    last_bike.save(db, stand)
    return free[0]


async def swap(node: Node, db: sqlite3.Connection, command: Command) -> str:
    """Mended in the same way; of which bike it asks, it has to look before."""

    def promised() -> tuple[last_bike.Stand, list[str]]:
        stand = last_bike.find(db, command.stand_id)
        pairs = stand.promised.items()
        return stand, [bike for bike, rider in pairs if rider == command.rider_id]

    for bike in promised()[1]:
        await last_bike.ask(node, "fleet", f"bikes/{bike}/faults")
    stand, hers = promised()
    others = sorted(set(stand.bikes) - set(stand.promised))
    if not hers or not others:
        raise last_bike.Refused("there is no other bike")
    stand.bikes.remove(hers[0])
    del stand.promised[hers[0]]
    stand.promised[others[0]] = command.rider_id
    last_bike.save(db, stand)
    return others[0]


@pytest.mark.slow
def test_with_all_three_fixed_these_runs_find_nothing_more(page: Names) -> None:
    handlers = {"reservations": page["reserve"], "walk-ups": walk_up, "swaps": swap}
    one_fixed = partial(last_bike.anemic, handlers=handlers)
    found = [page["broken"](one_fixed, pair) for pair in page["PAIRS"].values()]
    assert [0] * 5 == found


@pytest.mark.slow
def test_with_the_rule_inside_no_pair_gives_a_bike_twice(page: Names) -> None:
    for store in (page["guarded"], page["tables"]):
        found = [page["broken"](store, pair) for pair in page["PAIRS"].values()]
        assert [0] * 5 == found


@pytest.mark.slow
def test_who_is_too_late_looks_again_and_is_refused(page: Names) -> None:
    assert ["B7", "refused"] == page["kept"].result
    steps = [moment.text for moment in page["kept"].moments]
    assert ["is too late, for bob", "looks, for bob"] == steps[-2:]


@pytest.mark.slow
def test_the_float_is_off_and_the_money_is_not(page: Names) -> None:
    assert page["drifting"] != float(page["exact"].amount)
    cents = sum(int(fare.amount * 100) for fare in page["fares"])
    assert cents == int(page["exact"].amount * 100)
    assert 0 < page["glued"]["apart"] < page["glued"]["fares"]


@pytest.mark.slow
def test_six_at_once_take_the_attempts_that_were_derived(page: Names) -> None:
    for n in (1, 2, 3, 6, 10):
        found = contend(Load(actors=n, per_second=None), seed=page["SEED"])
        assert (n * (n + 1) // 2, n) == (found.attempts, len(found.waited))
    assert ":answer: 21" in TEXT
    refused = [m for m in page["three"].messages if m.fate == "refused"]
    assert 3 == len(refused)


def promised(page: Names, key: str) -> dict[str, str]:
    """Who has which bike of a stand that the page has saved."""
    stands = page["store"].begin().of(page["Stand"])
    with asyncio.Runner() as runner:
        stand = runner.run(stands.get(key))
    return {bike: each.rider_id for bike, each in stand.promised.items()}


@pytest.mark.slow
def test_what_support_was_refused_has_left_no_trace(page: Names) -> None:
    assert {"B1": "cleo", "B7": "ada"} == promised(page, "S01")


@pytest.mark.slow
def test_two_commits_promise_two_bikes_and_one_promises_one(page: Names) -> None:
    assert [{f"bike-{s}": "ada"} for s in ("S11", "S12", "S13")] == [
        promised(page, s) for s in ("S11", "S12", "S13")
    ]
    assert {} == promised(page, "S14")


@pytest.mark.slow
def test_a_contradicting_report_is_believed_and_its_contradiction_noted(
    page: Names,
) -> None:
    here, there = page["here"], page["there"]
    assert (False, True) == (here.holds("B7"), there.holds("B7"))
    assert [MOVED] == [e.reason for e in here.events if isinstance(e, AnomalyFound)]


@pytest.mark.slow
def test_the_larger_the_aggregate_the_later_its_commits(page: Names) -> None:
    rates = page["RATES"]
    for think in page["THINK"]:
        city, stand, bike = (
            [page["late"](size, rate, think) for rate in rates]
            for size in page["SIZES"]
        )
        for large, small in ((city, stand), (stand, bike)):
            assert all(a >= b for a, b in zip(large, small, strict=True))
        assert sorted(city) == city
    glued = page["glued"]
    assert glued["city_late"] > 90 > 50 > glued["stand_late"] > 10
    assert glued["bike_late"] < 5
    assert glued["city_quick"] < 10
    assert 24 == len(page["begun"])


@pytest.mark.slow
@pytest.mark.parametrize("think", [0.1, 0.2, 0.5])
def test_no_aggregate_takes_more_commits_a_second_than_one_over_its_think_time(
    think: float,
) -> None:
    found = contend(Load(per_second=50, think=think, actors=200), seed=7)
    assert found.recording is not None
    seconds = found.recording.duration_us / 1_000_000
    assert found.gave_up
    assert len(found.waited) <= seconds / think + 1


@pytest.mark.slow
def test_in_tables_the_version_is_in_the_condition_of_the_stand(page: Names) -> None:
    writes = ("UPDATE", "INSERT")
    sent = [text for text in page["statements"] if text.startswith(writes)]
    assert ["UPDATE stands", "INSERT INTO"] == [" ".join(t.split()[:2]) for t in sent]
    assert sent[0].endswith("stands.version = 1")


@pytest.mark.slow
def test_at_larkhavens_size_one_aggregate_would_do_and_none_saves_lines(
    page: Names,
) -> None:
    glued = page["glued"]
    assert glued["quiet"] < 10
    assert glued["thin_lines"] < glued["bare_lines"] < glued["full_lines"]
    assert glued["bare_lines"] < glued["thin_lines"] + glued["full_lines"]


@pytest.mark.slow
@pytest.mark.parametrize("level", ["NORMAL", "FULL"])
def test_what_was_measured_is_in_the_order_that_the_page_tells(
    page: Names, level: str
) -> None:
    """What does more takes longer; else something disturbed: `make measure` again."""
    rates = [
        page["rates"][f"{what}, synchronous={level}"]
        for what in (
            "SQLite and json by hand",
            "unit of work on rows",
            "unit of work on tables (SQLAlchemy)",
        )
    ]
    assert sorted(rates, reverse=True) == rates
    glued = page["glued"]
    assert glued["dict_us"] < glued["stand_us"] < glued["commit_us"]
    assert glued[f"of_hand_{level}"] >= 70
    assert glued[f"of_tables_{level}"] > 2
