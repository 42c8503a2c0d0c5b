"""Checks exercise 11.5: instances die at each step, and events come again."""

from collections.abc import Callable
from dataclasses import dataclass

from movingparts.check import Check, Law, always, of
from movingparts.scenes.ch11.photo_lab import Accounts, Died, Printer, context, ordered

TRIES = 3
STEPS = 12  # more than a handler takes
SECOND = {  # what comes after the order, and in which request
    "again": (ordered("17"), "request-1"),
    "restart": (ordered("17"), "request-1"),
    "sent twice": (ordered("17"), "request-2"),
    "equal": (ordered("18"), "request-2"),
    "sources": (ordered("17", "/kiosk"), "request-2"),
}
KINDS = [(kind, 0) for kind in ("alone", "jam", *SECOND)]
KINDS += [("death", step) for step in range(1, STEPS + 1)]


@dataclass
class Seen:
    """What was done to an order, how it ended, and what came of it."""

    kind: str
    step: int
    prints: int = 0
    bills: int = 0
    done: bool = True
    hid: bool = False
    error: str = ""

    @property
    def counts(self):
        return (self.prints, self.bills)

    @property
    def what(self):
        died = f"the instance died at step {self.step}"
        return "the printer was jammed" if self.kind == "jam" else died


class Platform:
    """Runs a handler until it returns, on a new instance whenever one died."""

    def __init__(self, answer, seen):
        self.printer = Printer()
        self.db, self.seen = Accounts(self.printer), seen
        self.start = lambda: answer.made(self.db, self.printer)
        self.handler = self.start()

    def deliver(self, event, request):
        for _ in range(TRIES):
            try:
                self.handler(event, context(request))
            except Died:
                self.handler = self.start()
            except Exception as error:  # noqa: BLE001  # a failed try, whatever it is
                self.seen.error = f"{type(error).__name__}: {error}"
                self.printer.jammed = False
            else:
                self.seen.hid = self.seen.hid or self.printer.jammed
                return
        self.seen.done = False


async def run(world, answer, run):
    seen = Seen(*KINDS[run.seed])
    platform = Platform(answer, seen)
    platform.printer.left = seen.step
    platform.printer.jammed = seen.kind == "jam"
    platform.deliver(ordered("17"), "request-1")
    if seen.kind == "restart":
        platform.handler = platform.start()
    if seen.kind in SECOND:
        platform.deliver(*SECOND[seen.kind])
    seen.prints, seen.bills = len(platform.printer.printed), len(platform.db.bills)
    run.see(seen)


def most(seen):
    return max(seen.counts) <= 1


LAWS = (
    Law("keeps-raising", always, lambda s: s.done),
    Law("does-nothing", of("alone"), lambda s: s.counts == (1, 1)),
    Law("does-it-again", of("again"), most),
    Law("by-content", of("equal"), lambda s: s.counts == (2, 2)),
    Law("by-id-alone", of("sources"), lambda s: s.counts == (2, 2)),
    Law("by-request-id", of("sent twice"), most),
    Law("hides-the-jam", of("jam"), lambda s: not s.hid),
    Law("remembers-first", of("jam", "death"), lambda s: min(s.counts) >= 1),
    Law("in-the-instance", of("restart"), most),
    Law("prints-twice", of("jam", "death"), lambda s: s.prints == 1),
    Law("bills-twice", of("jam", "death"), lambda s: s.bills == 1),
)
CHECK = Check(
    run=run,
    seeds=range(len(KINDS)),
    laws=LAWS,
    returns=Callable,
    wants="the handler: a function that takes an event and a context",
)
