"""Checks exercise 1.2: rides are charged over a bad network; billing has the truth."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from movingparts.check import Check, Law, always, where
from movingparts.scenes.ch01.billing import Billing, disturb

KINDS = ("slow", "lossy", "slow", "everything") * 2 + ("two rides", "restart", "outage")
FOREVER = 500_000.0  # virtual seconds: no retry is too patient
QUIET = 60.0  # seconds after which nothing is under way any more


@dataclass
class Charged:
    """Rides, billing's charges, what was sent, and how the last call ended."""

    rides: list[tuple[str, int]]
    rows: list[tuple[str, str, int]]
    sent: list[str]
    error: Exception | None = None
    status: int | None = None  # of the last answer
    is_known: bool = True  # it returned after an answer said that the charge is there
    conflict: str = ""
    is_flooded: bool = False

    def __post_init__(self) -> None:
        times = len(self.rows) - len(self.rides) + 1
        self.times = "twice" if times == 2 else f"{times} times"
        self.methods = {label.partition(" ")[0] for label in self.sent}
        self.puts = {label for label in self.sent if label.startswith("PUT")}
        posts = self.sent.count("POST /charges")
        self.posts = f"{posts} times" if posts > 1 else "once"
        strange = [row[1:] for row in self.rows if row[1:] not in self.rides]
        self.strange = "{} {} cents".format(*strange[0]) if strange else ""
        self.ride = "{} {} cents".format(*self.rides[0])
        message = " ".join(str(self.error).split())
        self.raised = f"{type(self.error).__name__}: {message}".rstrip(": ")
        self.line = where(self.error) if self.error else ""


def charges(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM charges").fetchall()


def statuses(messages):
    came = [m for m in messages if m.target == "rides" and m.fate == "delivered"]
    return [message.status for message in came]


async def run(world, answer, run):
    kind = KINDS[run.seed % len(KINDS)]
    number, cents = world.random.randrange(9_000), 100 + world.random.randrange(1_000)
    rides = [(f"ride-{number + n}", cents) for n in range(1 + (kind == "two rides"))]
    messages = world.recording.messages

    def see(**more):
        sent = [m.label for m in messages if m.source == "rides" and not m.copy_of]
        run.see(Charged(rides, charges(path), sent, **more))

    billing = Billing(
        charged=lambda text: world.note("billing", text),
        conflict=lambda charge_id: see(conflict=charge_id),
        flooded=lambda: see(is_flooded=True, status=statuses(messages)[-1]),
    )
    await world.serve("billing", billing.service)
    path = world.node("billing").disk.path / "data.sqlite"
    disturb(world, kind, billing)
    end = {}
    for ride in rides:
        begun = len(messages)
        value = await answer.awaited(world.node("rides"), *ride, within=FOREVER)
        error = value if isinstance(value, Exception) else None
        said = statuses(messages[begun:])
        is_there = ride in [row[1:] for row in charges(path)]
        if error or not is_there or not {200, 201} & set(said):
            end = {"error": error, "status": [None, *said][-1], "is_known": False}
            break
    await world.clock.sleep(QUIET)
    see(**end)


def once(seen):
    return len(seen.rows) <= len(seen.rides)


def known(seen):
    return seen.is_known


CHECK = Check(
    run=run,
    seeds=range(2 * len(KINDS)),
    until=10 * FOREVER,
    may_raise=(Exception,),
    laws=(
        Law("one-id-for-all", always, lambda s: not s.conflict),
        Law("wrong-charge", always, lambda s: not s.strange),
        Law("fresh-id", lambda s: len(s.puts) > len(s.rides), once),
        Law("check-then-act", lambda s: {"POST", "GET"} <= s.methods, once),
        Law("post-twice", always, once),
        Law("insists-on-another-answer", always, lambda s: not s.is_flooded),
        Law("gives-up", lambda s: s.error, known),
        Law("silence-means-success", lambda s: s.status is None, known),
        Law("busy-means-done", always, known),
    ),
)
