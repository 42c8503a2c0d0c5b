"""Exercise 1.2: charge once."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import AnswerRaised, Complaint, Rejected
from movingparts.world.core import Empirical, Node, Recording

SEEDS = range(36)
OUTAGE = 40.0  # seconds
LONG_OUTAGE = 1_200.0  # seconds, in which ten tries, or a hundred, are used up
PATIENCE = 3_600.0  # seconds for one charge,
BRIEF = 10.0  # or where nothing is wrong with the network
RECEIPT = 0.02  # seconds from what billing has written to its answer
QUIET = 60.0  # seconds after which nothing is under way any more
# One message in ten takes longer than the 5 s after which a client gives up.
SLOW = Empirical((*[0.01] * 9, 8.0))
TABLE = (
    "CREATE TABLE IF NOT EXISTS charges"
    " (charge_id TEXT PRIMARY KEY, ride_id TEXT, cents INT)"
)
EVERYTHING = {"latency": SLOW, "loss": 0.2, "duplicate": 0.15}
# What is wrong with the network, or with billing, under each seed in turn.
KINDS: dict[str, dict[str, Any]] = {
    "lossy": {"loss": 0.3, "duplicate": 0.15, "latency": 0.02},
    "slow": {"latency": SLOW},
    "everything": EVERYTHING,
    "outage": EVERYTHING,
    "two rides": {"latency": 0.02},
    "long outage": {"latency": 0.02},
    "restart": {"latency": 0.02},
}
ORDER = ("lossy", "slow", "everything", "outage") * 2 + (
    "two rides",
    "long outage",
    "restart",
    "outage",
)


class Charge(BaseModel):
    """What billing is sent."""

    ride_id: str
    cents: int


@dataclass(slots=True)
class _Books:
    """What billing wrote and turned down, where, and how long a charge may take."""

    written: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    busy: int = 0
    path: Path = Path()
    within: float = PATIENCE

    def admit(self) -> None:
        if self.busy:
            self.busy -= 1
            raise HTTPException(503, "busy: nothing was done")


def billing(books: _Books) -> Any:
    """Return a factory of `billing`; `books` is told the id of each new charge."""

    def factory(node: Node) -> FastAPI:
        app = FastAPI()
        db = node.disk.connect()
        db.execute(TABLE)

        def insert(charge_id: str, charge: Charge) -> None:
            values = [charge_id, charge.ride_id, charge.cents]
            db.execute("INSERT INTO charges VALUES (?, ?, ?)", values)
            db.commit()
            books.written.append(charge_id)

        @app.post("/charges", status_code=201)
        async def create(charge: Charge) -> Charge:
            books.admit()
            insert(node.new_id(), charge)
            await node.clock.sleep(RECEIPT)
            return charge

        @app.put("/charges/{charge_id}", status_code=201)
        async def put(charge_id: str, charge: Charge) -> Charge:
            books.admit()
            query = "SELECT ride_id, cents FROM charges WHERE charge_id = ?"
            there = db.execute(query, [charge_id]).fetchone()
            if there is None:
                insert(charge_id, charge)
                await node.clock.sleep(RECEIPT)
            elif tuple(there) != (charge.ride_id, charge.cents):
                books.conflicts.append(charge_id)
                raise HTTPException(409, "this id belongs to another charge")
            return charge

        @app.get("/rides/{ride_id}/charges")
        async def of_ride(ride_id: str) -> list[Charge]:
            books.admit()
            query = "SELECT ride_id, cents FROM charges WHERE ride_id = ?"
            found = [Charge(**row) for row in db.execute(query, [ride_id])]
            if not found:
                raise HTTPException(404, "no charge for this ride")
            return found

        return app

    return factory


def _hurt(world: Any, kind: str, books: _Books) -> None:
    """Make the network bad, or bring billing down for a while."""
    network = world.network
    network.between("rides", "billing", **KINDS[kind])
    if kind in {"outage", "long outage"}:
        network.partition("rides", "billing")
        seconds = OUTAGE if kind == "outage" else LONG_OUTAGE
        world.clock.at(round(seconds * 1e6), network.heal)
    if kind == "restart":

        async def up_again() -> None:
            await world.clock.sleep(1)
            books.busy = 2
            await network.restart("billing")

        at = world.clock.monotonic() + 0.03  # it has written, and has not answered
        world.clock.at(round(at * 1e6), network.crash, "billing")
        world.node("operator").tasks.create_task(up_again())


def _charges(path: Path) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM charges").fetchall()


def attempt(answer: Answer, seed: int, without: Collection[str]) -> Trial:
    """Charge a ride over a bad network, and look into billing's database."""
    kind = ORDER[seed % len(ORDER)]

    async def scenario(world: Any) -> Complaint | None:
        books = _Books()
        await world.serve("billing", billing(books))
        books.path = world.node("billing").disk.path / "data.sqlite"
        rng = world.random
        first, cents = rng.randrange(10_000), 100 + rng.randrange(1_000)
        several = 2 if kind == "two rides" else 1
        rides = [(f"ride-{first + n}", cents) for n in range(several)]
        _hurt(world, kind, books)
        books.within = BRIEF if kind == "two rides" else PATIENCE
        ends = [await _charged(world, answer, books, ride) for ride in rides]
        if books.conflicts:
            return _one_id(books.conflicts[0])
        return await _looked(world, books, rides, ends)

    return play(scenario, seed, without, until=2 * PATIENCE)


async def _charged(
    world: Any, answer: Answer, books: _Books, ride: tuple[str, int]
) -> Rejected | tuple[bool, int | None]:
    """Have a ride charged; return what was known when that returned."""
    begun = len(world.recording.messages)
    try:
        arguments = (copy(world.node("rides")), *ride)
        await answer.awaited(*arguments, within=books.within)
    except Rejected as rejected:
        return rejected
    there = ride in [row[1:] for row in _charges(books.path)]
    return there, _last_status(world.recording, begun)


async def _looked(
    world: Any, books: _Books, rides: list[tuple[str, int]], ends: list[Any]
) -> Complaint | None:
    await world.clock.sleep(QUIET)
    rows = _charges(books.path)
    for end in ends:
        if isinstance(end, AnswerRaised):
            return _gave_up(end, rows)
        if isinstance(end, Rejected):
            raise end
    if sorted(row[0] for row in rows) != sorted(books.written):
        text = "billing's database has rows that billing did not write."
        return Complaint("tampers", text)
    return judged(world.recording, rows, rides, ends)


def _last_status(recording: Recording, begun: int) -> int | None:
    """Return the status of the last reply that came to `rides`, the best if several."""
    statuses = [
        message.status
        for message in recording.messages[begun:]
        if message.kind == "reply"
        and message.target == "rides"
        and message.fate == "delivered"
        and message.status is not None
    ]
    good = [status for status in statuses if status in {200, 201}]
    return next(reversed(good or statuses), None)


def _one_id(charge_id: str) -> Complaint:
    text = (
        f"Two rides were charged under one id, {shown(charge_id)}: to billing the"
        " second is the first one's charge, with another ride in it (409). The id must"
        " say which ride is charged."
    )
    return Complaint("one-id-for-all", text)


def _gave_up(raised: AnswerRaised, rows: list[Any]) -> Complaint:
    if not isinstance(raised.error, httpx.HTTPError | TimeoutError):
        return replace(raised.complaint, rank=1)
    state = "has been charged" if rows else "has not been charged"
    return Complaint(
        "gives-up",
        f"{raised.complaint.message} The ride {state}, and the caller of `charge`"
        " cannot tell: an error that may mean either is no end. Try again, in a way"
        " that does no harm, until billing has answered.",
        rank=1,
    )


def judged(
    recording: Recording,
    rows: list[Any],
    rides: list[tuple[str, int]],
    ends: list[tuple[bool, int | None]],
) -> Complaint | None:
    """Hold billing's database against one charge of the right amount for each ride."""
    wrong = [row for row in rows if row[1:] not in rides]
    if wrong:
        text = f"billing was told {wrong[0][1:]}, not {rides[0]}."
        return Complaint("wrong-charge", text)
    if len(rows) > len(rides):
        return _twice(recording, len(rows) - len(rides) + 1)
    for there, status in ends:
        if not there or status not in {200, 201}:
            return _unknown(recording, status)
    return None


def _unknown(recording: Recording, status: int | None) -> Complaint:
    """Return what is wrong with an end at which nothing proves the charge."""
    sent = [m for m in recording.messages if m.source == "rides"]
    if not sent:
        text = (
            "`charge` returned, and it has sent nothing to billing: without an `await`"
            " before it, `node.client.put(…)` is only a promise to send."
        )
        return Complaint("nothing-sent", text, rank=1)
    if status is not None and status not in {200, 201}:
        text = (
            f"billing answered {status}, `charge` returned, and no charge is known. An"
            " answer is not a yes: read its status, and try again."
        )
        return Complaint("any-answer-means-done", text, rank=2)
    text = (
        "`charge` returned before any answer said that the charge is there."
        " Silence is not success: return on an answer, and only then."
    )
    return Complaint("silence-means-success", text, rank=1)


def _twice(recording: Recording, times: int) -> Complaint:
    sent = [m for m in recording.messages if m.kind == "request" and m.copy_of is None]
    labels = [message.label for message in sent]
    count = f"The rider was charged {'twice' if times == 2 else f'{times} times'}."
    puts = {label for label in labels if label.startswith("PUT")}
    if puts and "POST /charges" in labels:
        text = (
            f"{count} A POST makes a new charge, whatever a PUT has made or will make:"
            " what may have arrived already is only safe to repeat under its own id."
        )
        return Complaint("post-twice", text)
    if len(puts) > 1:
        text = (
            f"{count} Each PUT had an id of its own, so to billing each was another"
            " charge. The id must say which charge is meant, and stay the same."
        )
        return Complaint("fresh-id", text)
    if any(label.startswith("GET") for label in labels):
        text = (
            f"{count} GET found nothing, and yet a POST was still under way, or was"
            " delivered twice later: between a look and an act, things move."
        )
        return Complaint("check-then-act", text)
    tries = labels.count("POST /charges")
    text = (
        f"{count} POST /charges went out {tries if tries > 1 else 'once, doubled'}"
        f"{' times' if tries > 1 else ' by the network'}, and each"
        " that arrives is another charge, whether you repeat it or the network does."
    )
    return Complaint("post-twice", text)


def judge(answer: Answer) -> Judgement:
    """Charge a ride under each seed."""
    failing = worst(lambda seed, without: attempt(answer, seed, without), SEEDS)
    return Judgement(
        failing,
        f"{len(SEEDS)} runs of trouble, from lost messages to a billing that restarts:"
        " each ride was charged exactly once, and you knew it when you returned.",
    )


ONCE = Exercise(
    id="1.2",
    title="Charge once",
    difficulty="medium",
    lab="01-one-ride-two-services",
    statement=(
        "Write `async def charge(node, ride_id, cents)`. Over a network that loses,"
        " doubles and delays messages it has billing charge the ride exactly once, and"
        " returns only when that is known. `http://billing` offers `POST /charges` (a"
        " new charge) and `PUT /charges/{charge_id}` (the charge of that id, made if it"
        " is not there), both with a body of `ride_id` and `cents`, and `GET"
        " /rides/{ride_id}/charges` (404 if there is none). `node.client` gives up"
        " after 5 s; outages last longer, and billing may crash, restart, and answer"
        " 503 while it is busy."
    ),
    stub=(
        "async def charge(node, ride_id, cents):\n"
        '    raise NotImplementedError("Exercise 1.2: charge a ride exactly once")\n'
    ),
    hints=(
        ("No answer has come. What does a second POST do if the first one arrived?"),
        (
            "Asking first does not help: the first request may arrive after you asked."
            " Which of billing's three requests can be sent twice without harm?"
        ),
        (
            "`PUT http://billing/charges/{ride_id}`: the ride's own id names the"
            " charge. Send it again after every `httpx.HTTPError` and every 503, and"
            " return on the first success."
        ),
    ),
    transfer=(
        (
            "A charging column for electric cars is started by text message: *start"
            " 4711*. The message may arrive twice, or late. What has to be in it?"
        ),
        (
            "Something that names this one charging session and not only the column:"
            " the driver's phone makes the session's id before the first try and"
            " repeats it. The column starts a session only for an id that it has not"
            " seen."
        ),
    ),
    call=Call("charge", ("node", "ride_id", "cents"), is_async=True),
    judge=judge,
)
