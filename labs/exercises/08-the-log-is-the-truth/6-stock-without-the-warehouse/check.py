"""Checks exercise 8.6: a warehouse's log that stops, breaks off, or comes back other."""

from types import SimpleNamespace

from movingparts.check import Check, Law, never
from movingparts.scenes.ch08.warehouse import Event, Gone, Log, OtherLog

NEVER = 99
# What happens, in order: how many events the log has by then, and in which it is "gone"
# after so many reads, or has "other" events from that number on.
PLANS = {
    "gone": [(2, ""), (2, "gone 0"), (2, "gone 0")],
    "begins-gone": [(0, "gone 0"), (2, "")],
    "empty": [(0, ""), (0, "")],
    "long": [(8, ""), (13, ""), (13, "")],
    "back": [(2, ""), (5, "gone 0"), (9, ""), (10, "")],
    "breaks-off": [(10, "gone 1"), (10, "gone 2"), (10, "gone 3"), (11, "")],
    "breaks-off-later": [(4, ""), (12, "gone 2"), (12, "gone 3"), (12, "")],
    "restart": [(5, ""), (5, "restart"), (5, "restart gone 0"), (7, "restart")],
    "restored": [(6, ""), (7, "other 5"), (9, "other 5"), (9, "restart other 5")],
    "restored-short": [(6, ""), (4, "other 5"), (6, "other 6"), (6, "")],
}
RUNS = [(name, shift) for name in PLANS for shift in range(3)]


class Disk(dict):
    """What outlives a restart: the very same one, whoever gets it."""

    def __deepcopy__(self, memo):
        return self


def event(number, shift, other=NEVER):
    """Return the event of that number; now and then, two happen at the same time."""
    at = 60 * (number - (number % 4 == shift))
    change = 20 if number == 1 else (number * 7 + shift * 3) % 11 - 3 or 2
    is_other = number >= other
    return Event(number, f"e{number}" + "b" * is_other, at, change + is_other)


async def run(world, answer, run):
    name, shift = RUNS[run.seed]
    disk, copied, sure = Disk(), [], True
    sidecar = answer.made(disk)
    for count, how in PLANS[name]:
        what, _, number = how.rpartition(" ")
        if "restart" in how:
            sidecar = answer.made(disk)
        other = int(number) if "other" in what else NEVER
        reads = int(number) if "gone" in what else 1000
        log = [event(n, shift, other) for n in range(1, count + 1)]
        raised = answer.ask(sidecar, "catch_up", Log(log, reads))
        if (
            other == NEVER and reads
        ):  # how far it comes until it's gone is its own affair
            copied, sure = log, reads == 1000
        is_other = other < NEVER
        seen = {"plan": name, "restarted": "restart" in how, "is_other": is_other}
        run.see(SimpleNamespace(**seen, raised=raised, asked=False))
        for at in range(-30, 60 * len(copied) + 91, 30) if sure else ():
            run.see(Seen(seen, copied, at, answer.ask(sidecar, "stock", at)))
        if run.broken:
            return


class Seen:
    """A question about a time, what was answered, and what the copied events say."""

    asked, raised = True, None

    def __init__(self, seen, copied, at, value):
        vars(self).update(seen)
        self.at, self.value, self.copied = at, value, len(copied)
        self.is_pair = isinstance(value, tuple) and [*map(type, value)] == [int, bool]
        self.pallets, self.says_final = value if self.is_pair else (0, False)
        self.right = total(copied, at)
        self.newest = copied[-1].at if copied else 0
        self.final = bool(copied) and at < self.newest
        self.ok = self.pallets == self.right
        self.is_now = not self.ok and self.pallets == total(copied, self.newest)
        self.is_page = not self.ok and self.pallets == total(copied[:3], at)
        self.cut = "breaks-off" in self.plan


def total(events, at):
    return sum(each.change for each in events if each.at <= at)


def of(condition):
    """Return a condition for questions only."""
    return lambda s: s.asked and condition(s)


def caught_up(s):
    return not s.asked


def noticed(s):
    return isinstance(s.raised, OtherLog)


LAWS = (
    Law("dies-with-its-source", caught_up, lambda s: not isinstance(s.raised, Gone)),
    Law("other-log-unnoticed", lambda s: s.is_other and caught_up(s), noticed),
    Law("false-alarm", caught_up, lambda s: s.is_other or not noticed(s)),
    Law("not-a-pair", of(lambda s: True), lambda s: s.is_pair),
    Law("forgets-at-restart", of(lambda s: s.restarted), lambda s: s.ok),
    Law("copies-the-other-log", of(lambda s: s.is_other), lambda s: s.ok),
    Law("only-now", of(lambda s: s.is_now), never),
    Law("reads-once", of(lambda s: s.is_page), never),
    Law("counts-twice", of(lambda s: s.cut), lambda s: s.ok),
    Law("another-stock", of(lambda s: True), lambda s: s.ok),
    Law("final-too-soon", of(lambda s: s.says_final), lambda s: s.final),
    Law("never-final", of(lambda s: s.final), lambda s: s.says_final),
)
CHECK = Check(
    run=run,
    seeds=range(len(RUNS)),
    laws=LAWS,
    may_raise=(OtherLog, Gone),
)
