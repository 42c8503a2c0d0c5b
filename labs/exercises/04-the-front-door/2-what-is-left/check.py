"""Checks exercise 4.2: what a handler tells each call, and when it ends."""

from dataclasses import dataclass

from movingparts.check import Check, Law
from movingparts.scenes.ch04.receipts import TooLate

WRITE = 40  # ms
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
    told: float = 0  # how long the call may take
    tries: int = 0  # calls of the same service before this one
    value: object = None  # of the whole handler
    gave_up: bool = False  # after a call had run out of time

    @property
    def most(self):
        return self.left - WRITE

    @property
    def late(self):
        return -self.left


class Kitchen:
    """The two services, as the handler reaches them."""

    def __init__(self, world, run, kind):
        self.world, self.run, self.kind = world, run, kind
        self.timeout, *plan = PLANS[kind]
        jitter = [world.random.randrange(0, 10) for _ in plan]
        self.plan = dict(zip(("rides", "billing"), plan))
        self.jitter = dict(zip(self.plan, jitter))
        self.tries = {"rides": 0, "billing": 0}
        self.gave_up, self.deadline = False, self.clock() + self.timeout

    def clock(self):
        return round(self.world.clock.monotonic() * 1000)

    def see(self, **what):
        left = self.deadline - self.clock()
        self.run.see(Seen(self.kind, self.timeout, left, **what))

    async def call(self, name, timeout_ms):
        takes, refusals = self.plan[name]
        tries, self.tries[name] = self.tries[name], self.tries[name] + 1
        self.see(name=name, told=timeout_ms, tries=tries)
        refuses = tries < refusals
        takes = 60 if refuses else takes + self.jitter[name]
        await self.world.clock.sleep(max(0, min(takes, timeout_ms)) / 1000)
        if takes > timeout_ms:
            self.gave_up = True
            raise TimeoutError
        if refuses:
            raise ConnectionError
        return f"the answer of {name}"

    async def write(self, ride, fare):
        await self.world.clock.sleep(WRITE / 1000)
        return f"a receipt: {ride}, {fare}"


async def run(world, answer, run):
    here = Kitchen(world, run, [*PLANS][run.seed % len(PLANS)])
    value = await answer.awaited(here.timeout, here.call, here.write, here.clock)
    if isinstance(value, TooLate):
        value = None
    here.see(value=value, gave_up=here.gave_up)


def calls(of):
    return lambda s: s.name and of(s)


def early(s):
    return not s.name and s.value is None and not s.gave_up


RIGHT = "a receipt: the answer of rides, the answer of billing"
LAWS = (
    Law("own-timeout", calls(lambda s: True), lambda s: s.told <= s.timeout),
    Law("forgets-time-used", calls(lambda s: not s.tries), lambda s: s.told <= s.left),
    Law("retries-past-the-end", calls(lambda s: s.tries), lambda s: s.told <= s.left),
    Law("calls-with-nothing-left", calls(lambda s: s.most < 1), lambda s: False),
    Law("no-margin", calls(lambda s: True), lambda s: s.told <= s.most),
    Law("gives-time-away", calls(lambda s: True), lambda s: s.told >= s.most - 1),
    Law("ends-too-late", lambda s: not s.name, lambda s: s.left >= 0),
    Law("gives-up-early", early, lambda s: s.most < 1),
    Law("another-receipt", lambda s: s.value is not None, lambda s: s.value == RIGHT),
)
CHECK = Check(run=run, seeds=range(2 * len(PLANS)), laws=LAWS, may_raise=(TooLate,))
