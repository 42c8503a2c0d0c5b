"""Exercise 1.1: what a failure tells you."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import Complaint, Rejected
from movingparts.world.core import Node, Recording
from movingparts.world.core.random import stream

WAIT = 1.0  # seconds that the rider waits
LONG = 3.0  # seconds that a slow service takes
CASES = (
    "saved",
    "lost request",
    "lost reply",
    "slow service",
    "crash before the work",
    "crash after the work",
    "error before the work",
    "error after the work",
    "invalid request",
    "refused",
    "partition",
)
# For each kind of outcome: what may be said of it. "unknown" only where both happen.
RIGHT = MappingProxyType(
    {
        "2xx": frozenset({"done"}),
        "4xx": frozenset({"not done"}),
        "5xx": frozenset({"unknown"}),
        "refused": frozenset({"not done"}),
        "no connection": frozenset({"not done"}),
        "timeout": frozenset({"unknown"}),
        "closed": frozenset({"unknown"}),
    }
)
REQUEST = httpx.Request("POST", "http://rides/rides")
# What the simulated network does not do, and real ones do: the reason is the same.
OTHERS: tuple[httpx.Response | Exception, ...] = (
    httpx.ReadError("the connection broke", request=REQUEST),
    httpx.WriteError("the connection broke", request=REQUEST),
    httpx.Response(404, request=REQUEST),
    httpx.Response(200, request=REQUEST),
    httpx.Response(503, request=REQUEST),
)
WHY = {
    ("timeout", "not done"): (
        "timeout-means-not-done",
        (
            "The rider gave up after 1 s, and you say that nothing was done; the"
            " database has the ride. A timeout ends the waiting, not the work."
        ),
    ),
    ("timeout", "done"): (
        "timeout-means-done",
        (
            "The rider gave up after 1 s, and you say that it was done; the database"
            " has no ride. The request itself was lost: nobody ever worked on it."
        ),
    ),
    ("closed", "not done"): (
        "closed-means-not-done",
        (
            "The connection closed without a reply, and you say that nothing was done;"
            " the database has the ride. rides crashed after it had saved, before it"
            " answered."
        ),
    ),
    ("closed", "done"): (
        "closed-means-done",
        (
            "The connection closed without a reply, and you say that it was done; the"
            " database has no ride. rides crashed before it had saved."
        ),
    ),
    ("5xx", "not done"): (
        "500-means-not-done",
        (
            "rides answered 500, and you say that nothing was done; the database has"
            " the ride. The exception came after the work, and no one took the work"
            " back."
        ),
    ),
    ("5xx", "done"): (
        "any-answer-means-done",
        (
            "rides answered 500, and you say that it was done; the database has no"
            " ride. An answer is not a yes: read its status."
        ),
    ),
    ("4xx", "done"): (
        "any-answer-means-done",
        (
            "rides answered 422, and you say that it was done; the database has no"
            " ride. An answer is not a yes: read its status."
        ),
    ),
    ("4xx", "unknown"): (
        "definite-errors-exist",
        (
            "rides answered 422, and you say that nobody can know; but it refused the"
            " request before it did anything, and said so."
        ),
    ),
    ("refused", "unknown"): (
        "definite-errors-exist",
        (
            "The connection was refused, and you say that nobody can know; but no"
            " request was ever sent, so nothing can have been done."
        ),
    ),
    ("no connection", "unknown"): (
        "definite-errors-exist",
        (
            "No connection came about, and you say that nobody can know; but no request"
            " was ever sent, so nothing can have been done."
        ),
    ),
    ("2xx", "unknown"): (
        "doubts-an-answer",
        (
            "rides answered 201, and you say that nobody can know; it did the work"
            " first, and then said so."
        ),
    ),
    ("2xx", "not done"): (
        "doubts-an-answer",
        (
            "rides answered 201, and you say that nothing was done; the database has"
            " the ride."
        ),
    ),
}


class EndedRide(BaseModel):
    """What the rider sends."""

    ride_id: str
    minutes: int


def saving(case: str) -> Any:
    """Return a factory of `rides` that does its work, or not, as the case has it."""

    def rides(node: Node) -> FastAPI:
        app = FastAPI()
        db = node.disk.connect()
        db.execute("CREATE TABLE IF NOT EXISTS rides (ride_id TEXT PRIMARY KEY)")

        @app.post("/rides", status_code=201)
        async def end(ride: EndedRide) -> EndedRide:
            await node.clock.sleep(LONG if case == "slow service" else 0.05)
            if case == "error before the work":
                raise RuntimeError("the disk is full")
            db.execute("INSERT INTO rides VALUES (?)", [ride.ride_id])
            db.commit()
            if case == "error after the work":
                raise RuntimeError("the printer is out of paper")
            await node.clock.sleep(0.05)
            return ride

        return app

    return rides


def _hurt(world: Any, case: str) -> None:
    network = world.network
    if case == "lost request":
        network.lose("rider", "rides", kind="request")
    elif case == "lost reply":
        network.lose("rides", "rider", kind="reply")
    elif case == "partition":
        network.partition("rider", "rides")
    elif case == "refused":
        network.crash("rides")
    elif case.startswith("crash"):
        at = world.clock.monotonic() + (0.02 if "before" in case else 0.08)
        world.clock.at(round(at * 1e6), network.crash, "rides")


def _kind(outcome: httpx.Response | Exception) -> str:
    if isinstance(outcome, httpx.Response):
        return f"{outcome.status_code // 100}xx"
    if isinstance(outcome, httpx.ReadTimeout):
        return "timeout"
    if isinstance(outcome, httpx.ConnectError):
        return "refused"
    return "no connection" if isinstance(outcome, httpx.ConnectTimeout) else "closed"


def _apart(outcome: Any, body: dict[str, Any]) -> Any:
    """Return the same outcome with nothing of the world it came from."""
    request = httpx.Request("POST", "http://rides/rides", json=body)
    if isinstance(outcome, httpx.Response):
        status, content = outcome.status_code, outcome.content
        headers = {"content-type": outcome.headers.get("content-type", "text/plain")}
        return httpx.Response(status, headers=headers, content=content, request=request)
    return type(outcome)(str(outcome), request=request)


async def _outcome(world: Any, body: dict[str, Any]) -> httpx.Response | Exception:
    try:
        client = world.client("rider", timeout=WAIT)
        reply: httpx.Response = await client.post("http://rides/rides", json=body)
    except httpx.HTTPError as error:
        return error
    return reply


def _saved(path: Path, ride_id: str) -> bool:
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT 1 FROM rides WHERE ride_id = ?", [ride_id])
        return found.fetchone() is not None


def attempt(answer: Answer, seed: int, without: Collection[str]) -> Trial:
    """Let one thing go wrong, ask the answer, and look into the database."""
    case = CASES[seed % len(CASES)]

    async def scenario(world: Any) -> Complaint | None:
        await world.serve("rides", saving(case))
        path = world.node("rides").disk.path / "data.sqlite"
        ride_id = f"ride-{world.random.randrange(1_000)}"
        minutes = "twelve" if case == "invalid request" else 12
        body: dict[str, Any] = {"ride_id": ride_id, "minutes": minutes}
        _hurt(world, case)
        outcome = await _outcome(world, body)
        said = answer(_apart(outcome, body))
        await world.clock.sleep(2 * LONG)
        return judged(_kind(outcome), said, _saved(path, ride_id))

    return play(scenario, seed, without, until=60)


def judged(kind: str, said: object, saved: bool) -> Complaint | None:
    """Hold what was said of an outcome against what the database says."""
    if isinstance(said, str):
        said = str.__str__(said)  # a StrEnum's too, and nothing of its own
    if type(said) is not str or said not in {"done", "not done", "unknown"}:
        wanted = '"done", "not done" or "unknown"'
        raise Rejected("garbage", f"`verdict` returned {shown(said)}, not {wanted}.")
    lies = (said == "done" and not saved) or (said == "not done" and saved)
    if said in RIGHT[kind]:
        return None
    if not lies and said != "unknown":
        return None  # true this time; another seed shows the time when it is not
    misconception, why = WHY.get(
        (kind, said), ("refused-means-done", "You say done; no request was ever sent.")
    )
    return Complaint(misconception, why, rank=0 if lies else 1)


def other(answer: Answer, outcome: httpx.Response | Exception) -> Complaint | None:
    """Ask about an outcome that is handed over, without a run that led to it."""
    kind = _kind(outcome)
    said = answer(outcome)
    right = next(iter(RIGHT[kind]))
    if judged(kind, said, right == "done") is None and said in RIGHT[kind]:
        return None
    name = type(outcome).__name__
    if isinstance(outcome, httpx.Response):
        name = f"An answer of {outcome.status_code}"
    misconception, _ = WHY.get((kind, str(said)), ("refused-means-done", ""))
    text = f"{name} means {right}, and you say {said}: it is of the kind {kind!r}."
    return Complaint(misconception, text)


def judge(answer: Answer) -> Judgement:
    """Try each case three times, in no order that a counter could follow."""
    seeds = sorted(range(3 * len(CASES)), key=lambda n: stream(n, "order").random())
    failing = worst(lambda seed, without: attempt(answer, seed, without), seeds)
    if failing is None:
        found = [complaint for o in OTHERS if (complaint := other(answer, o))]
        failing = Trial(0, Recording("simulated"), found[0]) if found else None
    return Judgement(
        failing,
        f"{len(CASES)} kinds of failure, {len(seeds)} runs: what you said was true each"
        ' time, and "unknown" only where both happen.',
    )


OUTCOMES = Exercise(
    id="1.1",
    title="What a failure tells you",
    difficulty="easy",
    lab="01-one-ride-two-services",
    statement=(
        "A rider sends `POST /rides` and waits for 1 s. Write `verdict(outcome)`: given"
        " the response or the exception that came of it, was the ride saved? Answer"
        ' `"done"` or `"not done"` where that is certain, and `"unknown"` where it is'
        " not. The checker provokes each failure and looks into the service's own"
        " database."
    ),
    stub=(
        "def verdict(outcome):\n"
        '    raise NotImplementedError("Exercise 1.1: what does a failure tell you?")\n'
    ),
    hints=(
        ("For each outcome ask: could the request have reached the service at all?"),
        (
            "A refused connection and a 422 are definite. A timeout, a connection that"
            " closes and a 500 are not: find a run for each in which the work was done,"
            " and one in which it was not."
        ),
        (
            "If it is an `httpx.Response`: 2xx is done, 4xx is not done, 5xx is"
            " unknown. Otherwise `httpx.ConnectError` and `httpx.ConnectTimeout` are"
            " not done, and everything else is unknown."
        ),
    ),
    transfer=(
        (
            "A parcel locker is told to open door 7 and does not answer within 5 s. The"
            " courier's app says *failed, try again*. What may happen at the second"
            " try?"
        ),
        (
            "The door may be open already: the timeout does not say that it is shut. If"
            " the next parcel is assigned at each try, two doors open. The app may say"
            " that it does not know, and ask the locker for the state of door 7."
        ),
    ),
    call=Call("verdict", ("outcome",)),
    judge=judge,
)
