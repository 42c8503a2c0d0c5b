"""Checks exercise 11.1: days with peaks, nights, and none of either."""

import math
from dataclasses import replace
from random import Random

from movingparts.check import Check, Law, always
from movingparts.function import AWS
from movingparts.scenes.ch11.choice import Choice, Load

CHEAP = replace(AWS, per_gb_second=0.000_010_1, per_request=0.000_000_3)
DEAR = replace(AWS, per_request=0.000_004, cpu_hour=0.03)


def needs(load, requests, busy):
    """Return how many copies it takes, before rounding."""
    return requests * load.seconds / (3600 * busy)


def cases():
    """Yield a newspaper's photos, a nightly report, sensors; then days by chance."""
    photos = (30,) * 7 + (900, 4_100, 900) + (500,) * 8 + (2_600, 700) + (60,) * 4
    yield Load(photos, 1.7, 1769, 1, 2, 0.6), AWS
    yield Load((0,) * 3 + (12,) + (0,) * 20, 40.0, 2048, 1, 2, 0.9), AWS
    yield Load((36_000,) * 24, 0.23, 1024, 0.5, 1, 0.7), AWS
    random = Random(11)
    for _ in range(15):
        peak = random.randint(2_000, 40_000)
        night = random.choice((random.randint(0, 50), peak * 9 // 10))
        day = random.choice((peak - 1, peak // 10))
        requests = (night,) * 6 + (day,) * 9 + (peak,) + (day,) * 6 + (night,) * 2
        shape = random.choice(((1769, 1, 2), (1024, 0.5, 1), (512, 0.25, 0.5)))
        seconds = random.randint(50, 2_000) / 1_000
        load = Load(requests, seconds, *shape, random.choice((0.5, 0.6, 0.7)))
        if 0.02 < needs(load, peak, load.busy) % 1 < 0.98:  # no doubt about rounding
            yield load, random.choice((AWS, CHEAP, DEAR))


def same(one, other):
    """Whether two sums are the same but for rounding."""
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6)


class Compared:
    """What an answer says, what is right, and what others would say."""

    def __init__(self, load, prices, value):
        self.says, self.total = value.cheaper, sum(load.requests)
        self.function, self.service = value.function, value.service
        gb = load.memory_mb / 1024
        self.calls = 30 * self.total * prices.per_request
        self.runs = 30 * self.total * gb * load.seconds * prices.per_gb_second
        self.peak, self.busy = max(load.requests), load.busy
        exact = needs(load, self.peak, load.busy)
        self.copies = max(1, math.ceil(exact))
        self.copy = prices.always_on(cpu=load.cpu, gb=load.gb)
        self.right = (self.calls + self.runs, self.copies * self.copy)
        self.right_function, self.right_service = self.right
        month = 30 * 86_400 * gb * prices.per_gb_second
        idle = (month, month * self.copies)
        self.idle = {*idle, *(self.calls + each for each in idle)}
        others = {  # the copies that it would have if it were sized in another way
            "mean": {math.ceil(needs(load, self.total / 24, load.busy))},
            "full": {math.ceil(needs(load, self.peak, 1))},
            "uneven": {exact, int(exact), round(exact)},
        }
        said = self.service / self.copy
        found = [
            w for w, copies in others.items() if any(same(said, c) for c in copies)
        ]
        doubt = same(self.service, self.right_service) or len(found) > 1
        self.sized = "" if doubt else "".join(found)
        self.least = min(("function", "service"), key=lambda w: getattr(self, w))

    @property
    def a_day(self):
        """Whether a cost is for one day."""
        said = (self.function, self.service)
        return any(same(30 * s, r) for s, r in zip(said, self.right, strict=True))


LAWS = (
    Law("counts-a-day", always, lambda s: not s.a_day),
    Law(
        "bills-idle-seconds",
        always,
        lambda s: not any(same(s.function, i) for i in s.idle),
    ),
    Law("forgets-the-requests", always, lambda s: not same(s.function, s.runs)),
    Law("another-function", always, lambda s: same(s.function, s.right_function)),
    Law("sized-for-the-mean", always, lambda s: s.sized != "mean"),
    Law("no-room-to-spare", always, lambda s: s.sized != "full"),
    Law("half-a-copy", always, lambda s: s.sized != "uneven"),
    Law("another-service", always, lambda s: same(s.service, s.right_service)),
    Law("dearer", always, lambda s: s.says == s.least),
)
CHECK = Check(cases=cases, seen=Compared, laws=LAWS, returns=Choice, wants="a Choice")
