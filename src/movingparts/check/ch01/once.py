"""Exercise 1.2: charge once."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from movingparts.check.answer import Answer, Call
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import AnswerRaised, Complaint
from movingparts.world.core import Empirical, Node, Recording

SEEDS = range(36)
OUTAGE = 40.0  # seconds
PATIENCE = 3_600.0  # seconds for one charge
QUIET = 60.0  # seconds after which nothing is under way any more
# One message in ten takes longer than the 5 s after which a client gives up.
SLOW = Empirical((*[0.01] * 9, 8.0))
TABLE = "CREATE TABLE charges (charge_id TEXT PRIMARY KEY, ride_id TEXT, cents INT)"


class Charge(BaseModel):
    """What billing is sent."""

    ride_id: str
    cents: int


def billing(written: list[str]) -> Any:
    """Return a factory of `billing`; `written` is told the id of each new charge."""

    def factory(node: Node) -> FastAPI:
        app = FastAPI()
        db = node.disk.connect()
        db.execute(TABLE)

        def insert(charge_id: str, charge: Charge) -> None:
            values = [charge_id, charge.ride_id, charge.cents]
            db.execute("INSERT INTO charges VALUES (?, ?, ?)", values)
            db.commit()
            written.append(charge_id)

        @app.post("/charges", status_code=201)
        async def create(charge: Charge) -> Charge:
            insert(node.new_id(), charge)
            return charge

        @app.put("/charges/{charge_id}", status_code=201)
        async def put(charge_id: str, charge: Charge) -> Charge:
            query = "SELECT ride_id, cents FROM charges WHERE charge_id = ?"
            there = db.execute(query, [charge_id]).fetchone()
            if there is None:
                insert(charge_id, charge)
            elif tuple(there) != (charge.ride_id, charge.cents):
                raise HTTPException(409, "this id belongs to another charge")
            return charge

        @app.get("/rides/{ride_id}/charges")
        async def of_ride(ride_id: str) -> list[Charge]:
            query = "SELECT ride_id, cents FROM charges WHERE ride_id = ?"
            found = [Charge(**row) for row in db.execute(query, [ride_id])]
            if not found:
                raise HTTPException(404, "no charge for this ride")
            return found

        return app

    return factory


def _hurt(world: Any, seed: int) -> None:
    """Make the network slow, lossy, doubling, or all of that after an outage."""
    network = world.network
    everything = {"latency": SLOW, "loss": 0.2, "duplicate": 0.15}
    kinds = (
        {"loss": 0.3, "duplicate": 0.15, "latency": 0.02},
        {"latency": SLOW},
        everything,
        everything,
    )
    network.between("rides", "billing", **kinds[seed % len(kinds)])
    if seed % len(kinds) == 3:
        network.partition("rides", "billing")
        world.clock.at(round(OUTAGE * 1e6), network.heal)


def _charges(path: Path) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM charges").fetchall()


def attempt(answer: Answer, seed: int, without: Collection[str]) -> Trial:
    """Charge one ride over a bad network, and look into billing's database."""

    async def scenario(world: Any) -> Complaint | None:
        written: list[str] = []
        await world.serve("billing", billing(written))
        path = world.node("billing").disk.path / "data.sqlite"
        ride_id = f"ride-{world.random.randrange(10_000)}"
        cents = 100 + world.random.randrange(1_000)
        _hurt(world, seed)
        raised: AnswerRaised | None = None
        try:
            arguments = (copy(world.node("rides")), ride_id, cents)
            await answer.awaited(*arguments, within=PATIENCE)
        except AnswerRaised as error:
            raised = error
        known = _known(world.recording)
        there = (ride_id, cents) in [row[1:] for row in _charges(path)]
        await world.clock.sleep(QUIET)
        rows = _charges(path)
        if raised is not None:
            return _gave_up(raised, rows)
        if sorted(row[0] for row in rows) != sorted(written):
            text = "billing's database has rows that billing did not write."
            return Complaint("tampers", text)
        return judged(world.recording, rows, (ride_id, cents), there and known)

    return play(scenario, seed, without, until=2 * PATIENCE)


def _known(recording: Recording) -> bool:
    """Say whether a reply that proves the charge has come back to `rides`."""
    return any(
        message.kind == "reply"
        and message.target == "rides"
        and message.fate == "delivered"
        and message.status in {200, 201}
        for message in recording.messages
    )


def _gave_up(raised: AnswerRaised, rows: list[Any]) -> Complaint:
    import httpx

    if not isinstance(raised.error, httpx.HTTPError | RuntimeError | TimeoutError):
        return raised.complaint
    state = "has been charged" if rows else "has not been charged"
    return Complaint(
        "gives-up",
        f"`charge` gave up with {type(raised.error).__name__}. The ride {state}, and"
        " its caller cannot tell: an error that may mean either is no end. Try again,"
        " in a way that does no harm, until billing has answered.",
        rank=1,
    )


def judged(
    recording: Recording, rows: list[Any], wanted: tuple[str, int], known: bool
) -> Complaint | None:
    """Hold billing's database against one charge of the right amount."""
    wrong = [row for row in rows if row[1:] != wanted]
    if wrong:
        text = f"billing was told {wrong[0][1:]}, not {wanted}."
        return Complaint("wrong-charge", text)
    if len(rows) > 1:
        return _twice(recording, len(rows))
    if not known:
        text = (
            "`charge` returned before any answer said that the charge is there."
            " Silence is not success: return on an answer, and only then."
        )
        return Complaint("silence-means-success", text, rank=1)
    return None


def _twice(recording: Recording, times: int) -> Complaint:
    sent = [m for m in recording.messages if m.kind == "request" and m.copy_of is None]
    labels = [message.label for message in sent]
    count = f"The rider was charged {'twice' if times == 2 else f'{times} times'}."
    if any(label.startswith("PUT") for label in labels):
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
        f"{len(SEEDS)} rides over a network that loses, doubles and delays: each was"
        " charged exactly once, and you knew it when you returned.",
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
        " after 5 s; outages last longer."
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
            " charge. Send it again after every `httpx.HTTPError`, and return on the"
            " first success."
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
