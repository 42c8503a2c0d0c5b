"""Exercise 1.3: the last bike."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.check.answer import Answer, Call
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import Complaint, Rejected
from movingparts.world.core import Node, Uniform

SEEDS = range(42)


def park(node: Node, *bikes: str) -> None:
    """Fill a node's table `bikes (bike_id, rider)`; one whose rider is NULL is free."""
    with closing(node.disk.connect()) as db, db:
        db.execute("CREATE TABLE bikes (bike_id TEXT PRIMARY KEY, rider TEXT)")
        db.executemany("INSERT INTO bikes VALUES (?, NULL)", [[b] for b in bikes])


def look_then_take(node: Node) -> FastAPI:
    """Give out bikes: look for a free one, ask for the price, take the bike."""
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str) -> dict[str, Any]:
        free = "SELECT bike_id FROM bikes WHERE rider IS NULL"
        bike = db.execute(free).fetchone()
        if bike is None:
            raise HTTPException(409, "no bike is left")
        quote = await node.client.get("http://pricing/quotes?minutes=30", timeout=1)
        taken = "UPDATE bikes SET rider = ? WHERE bike_id = ?"
        db.execute(taken, [rider, bike["bike_id"]])
        db.commit()
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


@dataclass(slots=True)
class _Day:
    """What was served, and what came of it, in one run."""

    bikes: int
    cents: int
    kind: str
    got: dict[str, tuple[str, int]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)


def _pricing(cents: int, seconds: float) -> Any:
    def pricing(node: Node) -> FastAPI:
        app = FastAPI()

        @app.get("/quotes")
        async def quote(minutes: int) -> dict[str, int]:
            await node.clock.sleep(seconds)
            return {"cents": cents}

        return app

    return pricing


async def _ride(world: Any, day: _Day, rider: str, at: float, timeout: float) -> None:
    await world.clock.sleep(at)
    try:
        reply = await world.client(rider, timeout=timeout).post(
            "http://rides/rides", params={"rider": rider}
        )
    except httpx.HTTPError:
        day.gave_up.append(rider)
        return
    if reply.status_code != 201:
        day.refused.append(rider)
        return
    try:
        body = reply.json()
        day.got[rider] = (body["bike"], body["cents"])
    except (ValueError, TypeError, LookupError):
        text = "A 201 of POST /rides has the body {bike, cents}; yours does not."
        raise Rejected("garbage", text) from None


async def _all(world: Any, rides: list[Any]) -> None:
    tasks = [world.node("riders").tasks.create_task(ride) for ride in rides]
    for task in tasks:
        await task


KINDS = ("last bike", "last bike", "failure", "gives up", "rush", "last bike")


def attempt(answer: Answer, seed: int, without: Collection[str]) -> Trial:
    """Let riders come, and count the bikes afterwards."""
    kind = KINDS[seed % len(KINDS)]

    async def scenario(world: Any) -> Complaint | None:
        rng = world.random
        day = _Day(6 if kind == "rush" else 1, 100 + rng.randrange(900), kind)
        slow = 0.5 if kind in {"rush", "gives up"} else 0.04
        await world.serve("pricing", _pricing(day.cents, slow))
        park(world.node("rides"), *(f"bike-{n + 1}" for n in range(day.bikes)))
        path = world.node("rides").disk.path / "data.sqlite"
        await world.serve("rides", lambda node: answer(copy(node)))
        world.network.everywhere(latency=Uniform(0.001, 0.009))
        await _arrivals(world, day, seed)
        await world.clock.sleep(20)
        promised = [
            span
            for span in world.recording.spans
            if span.node == "rides" and span.kind == "server" and span.status == 201
        ]
        return judged(day, _table(path), len(promised))

    return play(scenario, seed, without, until=300)


async def _arrivals(world: Any, day: _Day, seed: int) -> None:
    rng, network = world.random, world.network
    if day.kind == "last bike":
        times = [0.4 * rng.random() for _ in range(2)]
        await _all(
            world,
            [_ride(world, day, f"rider-{n}", at, 8) for n, at in enumerate(times)],
        )
    elif day.kind == "rush":
        names = [f"rider-{n}" for n in range(day.bikes)]
        await _all(world, [_ride(world, day, n, 0.01 * rng.random(), 2) for n in names])
    elif day.kind == "gives up":
        await _ride(world, day, "rider-0", 0, 0.1)
    else:
        fault = seed // len(KINDS) % 3
        if fault == 0:
            network.crash("pricing")
        else:
            network.lose("rides", "pricing", kind="request" if fault == 1 else "*")
        await _ride(world, day, "rider-0", 0, 30)
        await network.restart("pricing")
        await _ride(world, day, "rider-1", 10, 30)


def _table(path: Path) -> dict[str, str | None]:
    with closing(sqlite3.connect(path)) as db:
        try:
            return dict(db.execute("SELECT bike_id, rider FROM bikes").fetchall())
        except sqlite3.Error as error:
            text = f"The table `bikes` cannot be read any more: {error}."
            raise Rejected("bike-gone", text) from None


def judged(day: _Day, table: dict[str, str | None], promised: int) -> Complaint | None:
    """Hold the table of bikes against what riders were told."""
    taken = {bike: rider for bike, rider in table.items() if rider is not None}
    bikes = [bike for bike, _ in day.got.values()]
    if sorted(table) != [f"bike-{n + 1}" for n in range(day.bikes)]:
        text = f"There were {day.bikes} bikes; the table now has {sorted(table)}."
        return Complaint("bike-gone", text)
    if len(set(bikes)) < len(bikes):
        text = (
            "Two riders were given the same bike. Both looked while it was free; the"
            " one who took it last had looked before the other took it."
        )
        return Complaint("look-then-take", text)
    if any(table.get(bike) != rider for rider, (bike, _) in day.got.items()):
        text = (
            "A rider was told that a bike is his, and the database does not say so."
            " What is not committed by itself can be undone by another request."
        )
        return Complaint("not-in-the-database", text)
    if len(taken) > promised:
        text = (
            "Nobody was given the bike, and the database has it as taken: it was held"
            " while pricing was asked, pricing failed, and nobody let go of it."
        )
        return Complaint("held-after-failure", text)
    if promised > len(taken):
        text = (
            "More riders were promised a bike than the database has as taken. What is"
            " not committed, or remembered in memory alone, ends with the process."
        )
        return Complaint("not-in-the-database", text)
    return _served(day)


def _served(day: _Day) -> Complaint | None:
    wrong = [cents for _, cents in day.got.values() if cents != day.cents]
    if wrong:
        text = (
            f"pricing asks for {day.cents} cents, and the rider was told {wrong[0]!r}."
        )
        return Complaint("no-price", text)
    if day.kind == "rush" and day.gave_up:
        text = (
            f"{day.bikes} riders, {day.bikes} bikes, and {len(day.gave_up)} riders gave"
            " up after 2 s: they waited for each other, since something is held while"
            " pricing is asked. Nobody gets a bike twice, and few get one at all."
        )
        return Complaint("lock-across-the-call", text, rank=1)
    expected = day.bikes if day.kind != "gives up" else 0
    if len(day.got) < expected:
        text = (
            f"A bike was free, and {' and '.join(day.refused or day.gave_up)} got none."
        )
        return Complaint("turns-away", text, rank=1)
    return None


def judge(answer: Answer) -> Judgement:
    """Try races, failures, impatient riders and a rush."""
    failing = worst(lambda seed, without: attempt(answer, seed, without), SEEDS)
    return Judgement(
        failing,
        f"{len(SEEDS)} mornings with races, failures and a rush: no bike was given out"
        " twice, none was held for nobody, and nobody waited for a lock.",
    )


LAST_BIKE = Exercise(
    id="1.3",
    title="The last bike",
    difficulty="hard",
    lab="01-one-ride-two-services",
    statement=(
        "`look_then_take` gives the last bike to two riders, under one interleaving."
        " Find a seed that shows it with `find_seed`, then write `rides(node)` so that"
        " it cannot happen, whatever pricing does. `POST /rides?rider=…` answers 201"
        " with `bike` and `cents`, or 409 if no bike is left, or 503 without a price;"
        " pricing answers `GET http://pricing/quotes?minutes=30`. The table `bikes` is"
        " on the node's disk. A bike that nobody got stays free, and riders must not"
        " queue for each other."
    ),
    stub=(
        "def rides(node):\n"
        '    raise NotImplementedError("Exercise 1.3: give the last bike out once")\n'
    ),
    hints=(
        (
            "At each `await`, other requests run. What does the second rider see"
            " between the first one's look and take?"
        ),
        (
            "Look and take in one step with no `await` between: an `UPDATE` that names"
            " a free bike and says whether it found one. A lock held while pricing is"
            " asked works too, and makes everybody wait."
        ),
        (
            "`UPDATE bikes SET rider = ? WHERE bike_id = (SELECT bike_id FROM bikes"
            " WHERE rider IS NULL LIMIT 1) RETURNING bike_id`, then commit, then ask"
            " pricing. On `httpx.HTTPError` set `rider` to NULL again, commit, and"
            " answer 503. Or ask for the price first, and look and take after it."
        ),
    ),
    transfer=(
        (
            "A delivery service assigns an order to the nearest free courier, asks a"
            " map service for the route, and then marks the courier busy. What happens"
            " at noon?"
        ),
        (
            "Two orders see the same free courier while the map is asked, and both get"
            " him. Mark him first, in one conditional write, and free him if no route"
            " is found; or ask for routes first and take a courier that is still free."
        ),
    ),
    call=Call("rides", ("node",)),
    judge=judge,
)
