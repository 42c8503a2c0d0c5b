"""Checks exercise 1.2: rides are charged over a bad network; billing has the truth."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from movingparts.check import Check, Law, always, where
from movingparts.scenes.ch01.billing import Billing, disturb

KINDS = ("slow", "lossy", "slow", "everything") * 2 + ("two rides", "restart", "outage")
FOREVER = 500_000.0  # virtual seconds: no retry is too patient
QUIET = 60.0  # seconds after which nothing is under way any more
BUGS = (TypeError, NameError, AttributeError, LookupError, ValueError, RecursionError)


@dataclass
class Returned:
    """How a call of `charge` ended, and what was known at that moment."""

    error: Exception | None
    is_charged: bool
    seconds: float
    statuses: list[int]

    @property
    def is_known(self) -> bool:
        """Whether it returned, and an answer had said that the charge is there."""
        answered = any(200 <= status < 300 for status in self.statuses)
        return self.error is None and self.is_charged and answered


@dataclass
class Charged:
    """Rides, billing's charges, and what was sent to get them."""

    rides: list[tuple[str, int]]
    rows: list[tuple[str, str, int]]
    sent: list[str]
    ends: list[Returned]
    conflict: str = ""
    is_flooded: bool = False
    status: int | None = None

    def __post_init__(self) -> None:
        times = len(self.rows) - len(self.rides) + 1
        self.times = "twice" if times == 2 else f"{times} times"
        self.methods = {label.partition(" ")[0] for label in self.sent}
        self.puts = {label for label in self.sent if label.startswith("PUT")}
        orders = [label for label in self.sent if not label.startswith("GET")]
        self.only_looks = len(orders) <= len(self.rides)
        posts = self.sent.count("POST /charges")
        self.posts = f"{posts} times" if posts > 1 else "once, doubled by the network"
        strange = [row[1:] for row in self.rows if row[1:] not in self.rides]
        self.strange = "{} {} cents".format(*strange[0]) if strange else ""
        self.ride = "{} {} cents".format(*self.rides[0])
        self.state = "has been charged" if self.rows else "has not been charged"
        self.end = next((end for end in self.ends if not end.is_known), None)
        self.error = self.end and self.end.error
        message = " ".join(str(self.error).split())
        self.raised = f"{type(self.error).__name__}: {message}".rstrip(": ")
        self.line = where(self.error) if self.error else ""
        if self.end and self.end.statuses:
            self.status = self.end.statuses[-1]


def charges(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM charges").fetchall()


def labels(messages):
    return [m.label for m in messages if m.source == "rides" and m.copy_of is None]


def statuses(messages):
    came = [m for m in messages if m.target == "rides" and m.fate == "delivered"]
    return [message.status for message in came]


async def run(world, answer, run):
    kind = KINDS[run.seed % len(KINDS)]
    number, cents = world.random.randrange(9_000), 100 + world.random.randrange(1_000)
    rides = [(f"ride-{number + n}", cents) for n in range(1 + (kind == "two rides"))]
    messages, ends = world.recording.messages, []

    def see(**more):
        run.see(Charged(rides, charges(path), labels(messages), ends, **more))

    billing = Billing(
        charged=lambda text: world.note("billing", text),
        conflict=lambda charge_id: see(conflict=charge_id),
        flooded=lambda: see(is_flooded=True, status=statuses(messages)[-1]),
    )
    await world.serve("billing", billing.service)
    path = world.node("billing").disk.path / "data.sqlite"
    disturb(world, kind, billing)
    for ride in rides:
        begun, began = len(messages), world.clock.monotonic()
        value = await answer.awaited(world.node("rides"), *ride, within=FOREVER)
        error = value if isinstance(value, Exception) else None
        is_charged = ride in [row[1:] for row in charges(path)]
        seconds = world.clock.monotonic() - began
        ends.append(Returned(error, is_charged, seconds, statuses(messages[begun:])))
    await world.clock.sleep(QUIET)
    see()


def once(seen):
    return len(seen.rows) <= len(seen.rides)


def known(seen):
    return seen.end is None


CHECK = Check(
    run=run,
    seeds=range(2 * len(KINDS)),
    until=10 * FOREVER,
    may_raise=(Exception,),
    laws=(
        Law("one-id-for-all", always, lambda s: not s.conflict),
        Law("wrong-charge", always, lambda s: not s.strange),
        Law("mixes-post-and-put", lambda s: {"POST", "PUT"} <= s.methods, once),
        Law("fresh-id", lambda s: len(s.puts) > len(s.rides), once),
        Law("check-then-act", lambda s: {"POST", "GET"} <= s.methods, once),
        Law("post-twice", always, once),
        Law("never-sends-again", lambda s: s.only_looks, lambda s: not s.is_flooded),
        Law("insists-on-another-answer", always, lambda s: not s.is_flooded),
        Law("nothing-sent", lambda s: not s.sent and not s.error, known),
        Law("raises", lambda s: not s.sent or isinstance(s.error, BUGS), known),
        Law("gives-up", lambda s: s.error, known),
        Law("not-awaited", lambda s: s.end and not s.end.seconds, known),
        Law("silence-means-success", lambda s: s.status is None, known),
        Law("any-answer-means-done", always, known),
    ),
)
