"""Exercise 1.3: the last bike."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import Complaint, Rejected
from movingparts.world.core import Disk, Node, Uniform

SEEDS = range(45)
RUSH = 0.9  # seconds that a rider waits in a rush; pricing alone takes 0.5


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
    refused: dict[str, int] = field(default_factory=dict)
    gave_up: list[str] = field(default_factory=list)
    unlucky: tuple[str, ...] = ()  # those who may be left without a price
    failed: int = 0  # in which way pricing fails
    errors: int = 0  # quotes that pricing will answer with 500
    logs: list[str] = field(default_factory=list)


class _Impatient(Disk):
    """A disk whose connections refuse at once what another has locked.

    To wait for a lock would stop the kernel, and virtual time with it.
    """

    def __init__(self, disk: Disk) -> None:
        super().__init__(lambda: disk.path)
        self._disk = disk

    def connect(self, filename: str = "data.sqlite") -> sqlite3.Connection:
        connection = self._disk.connect(filename)
        connection.execute("PRAGMA busy_timeout=0")
        return connection


def _impatient(node: Node) -> Node:
    return replace(node, disk=_Impatient(node.disk))


def _pricing(day: _Day, seconds: float) -> Any:
    def pricing(node: Node) -> FastAPI:
        app = FastAPI()

        @app.get("/quotes")
        async def quote(minutes: int) -> dict[str, int]:
            await node.clock.sleep(seconds)
            if day.errors:
                day.errors -= 1
                raise HTTPException(500, "no tariff")
            return {"cents": day.cents}

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
    if reply.is_success and reply.status_code != 201:
        text = (
            f"POST /rides was answered {reply.status_code}, and the contract is 201:"
            ' `@app.post("/rides", status_code=201)`.'
        )
        raise Rejected("wrong-status", text)
    if reply.status_code != 201:
        day.refused[rider] = reply.status_code
        return
    try:
        body = reply.json()
        bike, cents = body["bike"], body["cents"]
    except (ValueError, TypeError, LookupError):
        bike = cents = None
    if type(bike) is not str:
        text = (
            'A 201 of POST /rides has the body {"bike": "bike-1", "cents": 280}; yours'
            f" has {shown(reply.text)}."
        )
        raise Rejected("garbage", text)
    day.got[rider] = (bike, cents)


async def _all(world: Any, rides: list[Any]) -> None:
    tasks = [world.node("riders").tasks.create_task(ride) for ride in rides]
    for task in tasks:
        await task


KINDS = (
    "last bike",
    "failure",
    "gives up",
    "rush",
    "last bike",
    "two at once",
    "in step",
    "last bike",
    "one fails",
)
BIKES = {"rush": 6, "two at once": 2, "one fails": 2}


def attempt(answer: Answer, seed: int, without: Collection[str]) -> Trial:
    """Let riders come, and count the bikes afterwards."""
    kind = KINDS[seed % len(KINDS)]

    async def scenario(world: Any) -> Complaint | None:
        day = _Day(BIKES.get(kind, 1), 100 + world.random.randrange(900), kind)
        slow = 0.5 if kind in {"rush", "gives up"} else 0.04
        await world.serve("pricing", _pricing(day, slow))
        park(world.node("rides"), *(f"bike-{n + 1}" for n in range(day.bikes)))
        path = world.node("rides").disk.path / "data.sqlite"
        await world.serve("rides", lambda node: answer(_impatient(node)))
        day.logs = world.node("rides").logs
        same = kind == "in step"
        world.network.everywhere(latency=0.005 if same else Uniform(0.001, 0.009))
        await _arrivals(world, day, seed)
        await world.clock.sleep(20)
        promised = [
            span
            for span in world.recording.spans
            if span.node == "rides"
            and span.kind == "server"
            and 200 <= (span.status or 0) < 300
        ]
        return judged(day, _table(path), len(promised))

    return play(scenario, seed, without, until=300)


async def _arrivals(world: Any, day: _Day, seed: int) -> None:
    rng = world.random
    if day.kind == "failure":
        await _failing(world, day, "rider-0", seed)
        await _ride(world, day, "rider-1", 10, 30)
    elif day.kind == "one fails":
        await _ride(world, day, "rider-0", 0, 30)
        await _failing(world, day, "rider-1", seed)
        await _ride(world, day, "rider-2", 10, 30)
    elif day.kind == "gives up":
        await _ride(world, day, "rider-0", 0, 0.1)
    elif day.kind == "rush":
        names = [f"rider-{n}" for n in range(day.bikes)]
        at = [0.01 * rng.random() for _ in names]
        rides = [_ride(world, day, *each, RUSH) for each in zip(names, at, strict=True)]
        await _all(world, rides)
    else:
        late = 0.0 if day.kind == "in step" else 0.4
        if day.kind == "two at once":
            late, day.unlucky = 0.05, ("rider-0", "rider-1")
            world.network.lose("rides", "pricing", kind="request", skip=seed % 2)
        times = [late * rng.random() for _ in range(2)]
        await _all(
            world,
            [_ride(world, day, f"rider-{n}", at, 8) for n, at in enumerate(times)],
        )


async def _failing(world: Any, day: _Day, rider: str, seed: int) -> None:
    """Let a rider come while pricing fails, in one of four ways."""
    network, fault = world.network, seed // len(KINDS) % 4
    day.unlucky, day.failed = (rider,), fault
    if fault == 0:
        network.crash("pricing")
    elif fault == 1:
        day.errors = 1
    else:
        network.lose("rides", "pricing", kind="request")
        if fault == 2:
            network.lose("rides", "pricing", kind="request")
    await _ride(world, day, rider, 0, 30)
    day.errors = 0
    await network.restart("pricing")


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
            " What is not committed by itself can be undone by another request, and an"
            " UPDATE without a WHERE lets go of every bike."
        )
        return Complaint("not-in-the-database", text)
    if len(taken) > promised:
        return _held(day)
    if promised > len(taken):
        text = (
            "More riders were promised a bike than the database has as taken. What is"
            " not committed, or remembered in memory alone, ends with the process."
        )
        return Complaint("not-in-the-database", text)
    return _served(day)


def _held(day: _Day) -> Complaint:
    text = "Nobody was given the bike, and the database has it as taken: it was held"
    if day.kind == "two at once":
        text = (
            "A rider without a price got no bike, and the database has it as taken. If"
            " it was rolled back: on one connection all requests share a transaction,"
            " and another one's commit had made it final."
        )
        return Complaint("shared-transaction", text)
    if day.failed == 1:
        text += " for a rider whom pricing had answered 500. An answer is not a yes."
        return Complaint("held-after-failure", text, rank=2)
    text += " while pricing was asked, pricing failed, and nobody let go of it."
    return Complaint("held-after-failure", text)


def _served(day: _Day) -> Complaint | None:
    wrong = [cents for _, cents in day.got.values() if cents != day.cents]
    if wrong:
        text = (
            f"pricing asks for {day.cents} cents, and the rider was told {wrong[0]!r}."
        )
        return Complaint("no-price", text)
    if day.kind == "rush" and day.gave_up:
        text = (
            f"{day.bikes} riders, {day.bikes} bikes, and {len(day.gave_up)} of them"
            f" gave up after {RUSH:g} s, where one alone waits 0.5 s: they waited for"
            " each other, since something is held while pricing is asked. Nobody gets a"
            " bike twice, and few get one at all."
        )
        return Complaint("lock-across-the-call", text, rank=1)
    if any("database is locked" in line for line in day.logs):
        text = (
            "sqlite3 said `database is locked`: a transaction was open while pricing"
            " was asked, and everybody else had to wait for it."
        )
        return Complaint("lock-across-the-call", text, rank=1)
    return _refused(day)


def _refused(day: _Day) -> Complaint | None:
    """Return what is wrong with those who got no bike, and were or were not told so."""
    told = {rider: f"{status}" for rider, status in day.refused.items()}
    told |= dict.fromkeys(day.gave_up, "nothing in time")
    lucky = day.bikes - sum(rider in told for rider in day.unlucky)
    if day.kind in {"failure", "one fails"}:
        lucky = day.bikes
    if day.kind != "gives up" and len(day.got) < lucky:
        answers = ", ".join(f"{rider}: {answer}" for rider, answer in told.items())
        failed = [line for line in day.logs if "Error" in line]
        why = f" rides logged: {shown(failed[-1], 120)}." if failed else ""
        text = f"A bike was free, and not all got one who could ({answers}).{why}"
        return Complaint("turns-away", text, rank=1)
    for rider, status in day.refused.items():
        wanted = 503 if rider in day.unlucky else 409
        if status != wanted:
            why = "there was no price" if wanted == 503 else "no bike was left"
            text = (
                f"{rider} was answered {status}; {why}, and the contract is {wanted}."
            )
            return Complaint("wrong-status", text, rank=2)
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
        " on the node's disk, and its `rider` must hold who has the bike. A bike that"
        " nobody got stays free, and riders must not queue for each other."
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
