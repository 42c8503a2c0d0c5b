"""Checks exercise 4.2: what a handler tells each call, and when it ends."""

from dataclasses import dataclass

from movingparts.check import Check, Law, never
from movingparts.scenes.ch04.receipts import WRITE, Services, TooLate

# For rides and billing: ms until the answer, after how many refusals of 60 ms.
PLANS = {
    "All is well": (900, (100, 0), (150, 0)),
    "rides is slow": (600, (400, 0), (90, 0)),
    "The caller is in a hurry": (300, (60, 0), (90, 0)),
    "billing hangs": (700, (120, 0), (9_000, 0)),
    "rides refuses twice": (800, (80, 2), (70, 0)),
    "billing refuses again and again": (500, (90, 0), (70, 99)),
    "rides refuses, and leaves little": (360, (150, 1), (50, 0)),
    "rides uses up all the time": (500, (460, 0), (50, 0)),
    "The caller has almost given up": (40, (10, 0), (10, 0)),
    "The last refusal uses up the rest": (340, (60, 0), (70, 99)),
}


@dataclass
class Seen:
    """One call, or the end; all times are in milliseconds."""

    kind: str
    timeout: int
    left: float  # until the deadline, at this moment
    name: str = ""
    given: float = 0  # how long the call may take
    tries: int = 0  # calls of the same service before this one
    value: object = None  # of the whole handler
    gave_up: bool = False  # after a call had run out of time

    @property
    def most(self):
        return self.left - WRITE

    @property
    def late(self):
        return -self.left


async def run(world, answer, run):
    kind = [*PLANS][run.seed % len(PLANS)]
    timeout, *plan = PLANS[kind]

    def see(**what):
        run.see(Seen(kind, timeout, here.left, **what))

    here = Services(world, timeout, plan, see)
    value = await answer.awaited(timeout, here.call, here.write, here.clock)
    see(value=None if isinstance(value, TooLate) else value, gave_up=here.gave_up)


def call(s):
    return s.name


def first(s):
    return s.name and not s.tries


def hopeless(s):
    return s.name and s.most < 1


def early(s):
    return not s.name and s.value is None and not s.gave_up


RIGHT = "a receipt: the answer of rides, the answer of billing"
LAWS = (
    Law("own-timeout", call, lambda s: s.given <= s.timeout),
    Law("forgets-time-used", first, lambda s: s.given <= s.left),
    Law("retries-past-the-end", lambda s: s.tries, lambda s: s.given <= s.left),
    Law("calls-with-nothing-left", hopeless, never),
    Law("no-margin", call, lambda s: s.given <= s.most),
    Law("gives-time-away", call, lambda s: s.given >= s.most - 1),
    Law("ends-too-late", lambda s: not s.name, lambda s: s.left >= 0),
    Law("gives-up-early", early, lambda s: s.most < 1),
    Law("another-receipt", lambda s: s.value is not None, lambda s: s.value == RIGHT),
)
CHECK = Check(run=run, seeds=range(2 * len(PLANS)), laws=LAWS, may_raise=(TooLate,))
