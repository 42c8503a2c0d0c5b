"""Checks exercise 8.6: a log that stops, breaks off, or comes back as another one."""

from types import SimpleNamespace

from movingparts.check import Check, Law, always, of
from movingparts.scenes.ch08.warehouse import Event, Gone, Log, OtherLog

NEVER = 99
# What happens, in order: how many events the log has by then; it is "gone" after so
# many reads, or has "other" events from that number on.
PLANS = {
    "down": [(2, ""), (2, "gone 0"), (5, "gone 0"), (9, ""), (10, "")],
    "empty": [(0, "gone 0"), (0, ""), (2, "")],
    "long": [(8, ""), (13, ""), (13, "")],
    "breaks-off": [(10, "gone 1"), (10, "gone 2"), (10, "gone 3"), (11, "")],
    "restart": [(5, ""), (5, "restart"), (5, "restart gone 0"), (7, "restart")],
    "restored": [(6, ""), (7, "other 5"), (9, "other 5"), (4, "other 5"), (6, "")],
}
RUNS = [(plan, shift) for plan in PLANS for shift in range(3)]


class Disk(dict):
    """What outlives a restart: the very same one, whoever gets it."""

    def __deepcopy__(self, memo):
        return self


def event(number, shift, other):
    """Return the event of that number; now and then, two happen at the same time."""
    at = 60 * (number - (number % 4 == shift))
    change = 20 if number == 1 else (number * 7 + shift * 3) % 11 - 3 or 2
    is_other = number >= other
    return Event(number, f"e{number}" + "b" * is_other, at, change + is_other)


async def run(world, answer, run):
    plan, shift = RUNS[run.seed]
    disk, copied, sure = Disk(), [], True
    sidecar = answer.made(disk)
    for count, how in PLANS[plan]:
        if "restart" in how:
            sidecar = answer.made(disk)
        reads = int(how[-1]) if "gone" in how else NEVER
        other = int(how[-1]) if "other" in how else NEVER
        log = [event(n, shift, other) for n in range(1, count + 1)]
        raised = answer.ask(sidecar, "catch_up", Log(log, reads))
        if other == NEVER and reads:  # how far it came by then is its affair
            copied, sure = log, reads == NEVER
        seen = {"plan": plan, "how": how, "is_other": other < NEVER, "raised": raised}
        seen["noticed"] = isinstance(raised, OtherLog)
        run.see(SimpleNamespace(**seen, kind="catch_up"))
        for at in range(60 * len(copied) + 90, -31, -30) if sure else ():
            run.see(Seen(seen, copied, at, answer.ask(sidecar, "stock", at)))


class Seen:
    """A question about a time, what was answered, and what the copied events say."""

    kind = "stock"

    def __init__(self, seen, copied, at, value):
        vars(self).update(seen, at=at, value=value, copied=len(copied))
        self.is_pair = isinstance(value, tuple) and [*map(type, value)] == [int, bool]
        self.pallets, self.says_final = value if self.is_pair else (0, False)
        self.right, self.newest = total(copied, at), copied[-1].at if copied else 0
        self.final = bool(copied) and at < self.newest
        self.ok = self.pallets == self.right
        self.is_now = not self.ok and self.pallets == total(copied, self.newest)
        self.forgot = not self.ok and self.pallets == 0 and "restart" in self.how


def total(events, at):
    return sum(each.change for each in events if each.at <= at)


LAWS = (
    Law("dies-with-its-source", always, lambda s: not isinstance(s.raised, Gone)),
    Law("not-a-pair", of("stock"), lambda s: s.is_pair),
    Law("forgets-at-restart", of("stock"), lambda s: not s.forgot),
    Law("other-log-unnoticed", lambda s: s.is_other, lambda s: s.noticed),
    Law("false-alarm", lambda s: not s.is_other, lambda s: not s.noticed),
    Law("only-now", of("stock"), lambda s: not s.is_now),
    Law("copies-the-other-log", of("stock"), lambda s: s.ok or not s.is_other),
    Law("counts-twice", of("stock"), lambda s: s.ok or s.plan != "breaks-off"),
    Law("another-stock", of("stock"), lambda s: s.ok),
    Law("final-too-soon", of("stock"), lambda s: s.final or not s.says_final),
    Law("never-final", of("stock"), lambda s: s.says_final or not s.final),
)
CHECK = Check(run=run, seeds=range(len(RUNS)), laws=LAWS, may_raise=(OtherLog, Gone))
