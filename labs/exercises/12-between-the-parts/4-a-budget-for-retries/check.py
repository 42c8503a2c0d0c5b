"""Checks exercise 12.4: an agency's calls while the airline is well, down, or both."""

from movingparts.check import Check, Law, always
from movingparts.scenes.ch12.airline import ATTEMPTS, Airline, play

WELL, SHAKY, DOWN = "well", "shaky", "down"
# For each plan: how many calls a second, of which kind, how many retries the budget
# has, and then seconds and how the airline is. "shaky" fails the first try of each
# twentieth call; "down" fails all. "refused" is a ConnectionError.
PLANS = {
    "One of twenty searches fails": (10, "search", "timeout", 40, (60, SHAKY)),
    "One of twenty bookings is refused": (10, "book", "refused", 40, (60, SHAKY)),
    "One of twenty bookings times out": (10, "book", "timeout", 40, (60, SHAKY)),
    "The airline is down": (10, "search", "timeout", 10, (90, DOWN)),
    "The airline refuses everything": (20, "book", "refused", 5, (60, DOWN)),
    "A long good time, then it is down": (
        *(20, "search", "timeout", 10),
        *((60, WELL), (30, DOWN)),
    ),
    "It is down, then well, then shaky": (
        *(10, "search", "timeout", 10),
        *((40, DOWN), (60, WELL), (60, SHAKY)),
    ),
    "All fail in the same moment": (100_000, "search", "timeout", 60, (0.0012, DOWN)),
}
SLACK = 0.15  # of the calls; a tenth pays in, and a retry may pay in too
PAUSE = 2.0  # seconds


class Seen:
    """What the agency did to the airline in one plan."""

    def __init__(self, kind, airline, most):
        self.kind, self.most, self.calls = kind, most, len(airline.calls)
        calls = airline.calls
        self.retries = sum(len(each.sent) - 1 for each in calls)
        self.attempts = max(len(each.sent) for each in calls)
        self.failing = sum(each.how == DOWN for each in calls)
        pays_in = self.failing if is_long(self) else self.calls
        self.allowed = most + SLACK * pays_in
        self.owed = most + 0.05 * self.calls  # half of what all calls pay in
        self.twice = sum(each.again_after_timeout for each in calls)
        self.is_booking = airline.kind == "book"
        self.pause = max((each.longest for each in calls), default=0.0)
        self.last = [each for each in calls if each.how == SHAKY]
        self.may_repeat = not (self.is_booking and airline.error == "timeout")
        self.lost = sum(each.result != "done" for each in self.last)
        self.wrong = sum(not each.honest for each in calls)
        self.crowd = airline.crowd()


async def run(world, answer, run):
    kind = [*PLANS][run.seed]
    rate, what, error, most, *phases = PLANS[kind]
    airline = Airline(world, what, error, most)
    await play(world, answer, airline, rate, phases)
    run.see(Seen(kind, airline, most))


def after_an_outage(s):
    return s.may_repeat and s.kind.startswith("It is down")


def all_the_time_down(s):
    return s.may_repeat and s.failing == s.calls > 20 * s.most


def from_the_start(s):
    return s.may_repeat and s.last and not after_an_outage(s)


def is_long(s):
    return s.kind.startswith("A long")


LAWS = (
    Law("too-many-attempts", always, lambda s: s.attempts <= ATTEMPTS),
    Law("books-twice", lambda s: s.is_booking, lambda s: not s.twice),
    Law("gives-up", from_the_start, lambda s: not s.lost),
    Law("another-outcome", always, lambda s: not s.wrong),
    Law("storm", lambda s: not is_long(s), lambda s: s.retries <= s.allowed),
    Law("saves-up", is_long, lambda s: s.retries <= s.allowed),
    Law("never-recovers", after_an_outage, lambda s: not s.lost),
    Law("never-recovers", all_the_time_down, lambda s: s.retries >= s.owed),
    Law("waits-too-long", always, lambda s: s.pause <= PAUSE + 0.001),
    Law("all-at-once", always, lambda s: s.crowd <= 0.5),
)
CHECK = Check(
    run=run,
    seeds=range(len(PLANS)),
    laws=LAWS,
    may_raise=(ConnectionError, TimeoutError),
)
