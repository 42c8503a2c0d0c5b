"""Checks exercise 1.1: each failure is provoked, and the database has the truth."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import httpx

from movingparts.check import Check, Law
from movingparts.scenes.ch01 import ride

# What goes wrong, and what the rider gets: a status, an exception, or what comes.
TROUBLES = {
    "refuses": (422, 404, 409),
    "slow": (None, httpx.WriteTimeout),
    "lost request": (None, httpx.WriteTimeout),
    "lost reply": (None,),
    "crashes after": (None, httpx.ReadError),
    "crashes before": (None, httpx.WriteError),
    "fails after": (500, 502),
    "fails before": (500, 504),
    "down": (None,),
    "partition": (None,),
    "nothing": (201, 200, httpx.PoolTimeout),
}
CASES = [(trouble, seen) for trouble, several in TROUBLES.items() for seen in several]
KINDS = {
    httpx.ConnectError: "refused",
    httpx.ConnectTimeout: "unsent",
    httpx.PoolTimeout: "unsent",
    httpx.ReadTimeout: "timeout",
    httpx.WriteTimeout: "timeout",
}
CERTAIN = {"2xx", "4xx", "refused", "unsent"}


@dataclass
class Observation:
    """What the rider got, what the answer says of it, and what the database says."""

    got: httpx.Response | httpx.HTTPError
    verdict: str
    is_saved: bool

    def __post_init__(self) -> None:
        self.verdict = str(self.verdict)  # of a StrEnum too
        self.database = "has the ride" if self.is_saved else "does not have the ride"
        self.outcome = f"`httpx.{type(self.got).__name__}`"
        self.kind = KINDS.get(type(self.got), "closed")
        if isinstance(self.got, httpx.Response):
            self.outcome = f"an answer of {self.got.status_code}"
            self.kind = f"{self.got.status_code // 100}xx"

    def is_true(self) -> bool:
        """Return whether it fits the database, and is "unknown" only if it must be."""
        if self.verdict == "unknown":
            return self.kind not in CERTAIN
        return self.is_saved == (self.verdict == "done")


async def run(world, answer, run):
    trouble, seen = CASES[run.seed]
    status, error = (seen, None) if isinstance(seen, int) else (201, seen)
    note = world.note
    rides = ride.service(trouble, status, lambda: note("rides", "the ride is saved"))
    await world.serve("rides", rides)
    path = world.node("rides").disk.path / "data.sqlite"
    ride.disturb(world, trouble)
    outcome = await ride.report(world, error)
    verdict = answer(outcome)
    note("rider", f"your verdict: {verdict}")
    await world.clock.sleep(2 * ride.SLOW)
    with closing(sqlite3.connect(path)) as db:
        is_saved = db.execute("SELECT 1 FROM rides").fetchone() is not None
    run.see(Observation(outcome, verdict, is_saved))


def law(name, kinds, *verdict):
    return Law(
        name,
        lambda seen: seen.kind in kinds and seen.verdict in verdict,
        Observation.is_true,
    )


CHECK = Check(
    run=run,
    seeds=range(len(CASES)),
    returns=Literal["done", "not done", "unknown"],
    wants='"done", "not done" or "unknown"',
    laws=(
        law("any-answer-means-done", {"4xx"}, "done"),
        law("timeout-means-not-done", {"timeout"}, "not done"),
        law("closed-means-not-done", {"closed"}, "not done"),
        law("500-means-not-done", {"5xx"}, "not done"),
        law("done-without-a-yes", {*KINDS.values(), "closed", "5xx"}, "done"),
        law("nothing-is-certain", {"4xx", "refused"}, "unknown"),
        law("every-timeout-is-unknown", {"unsent"}, "unknown"),
        law("doubts-a-success", {"2xx"}, "unknown", "not done"),
    ),
)
