"""Checks exercise 11.2: functions that compute, wait or do both, on several terms."""

import math
from random import Random

from movingparts.check import Check, Law, always
from movingparts.scenes.ch11.sizes import Terms, Work

SIZES = (128, 192, 256, 384, 512, 768, 1024, 1536, 1769, 2048, 3008)


def takes(work, terms, mb, *, capped=True, waits_alike=False):
    """Return milliseconds, or what somebody takes for them."""
    cpu = mb / terms.full_cpu_mb
    cpu = min(1.0, cpu) if capped else cpu
    return (work.computes + work.waits * waits_alike) / cpu + (
        work.waits * (not waits_alike)
    )


def price(work, terms, mb, **how):
    """Return a price in MB by steps."""
    return mb * math.ceil(takes(work, terms, mb, **how) / terms.step)


def best(work, terms, limit, *, fits=True, limited=True, **how):
    """Return the best size, or what somebody takes for it."""

    def may(mb):
        quick = takes(work, terms, mb, **how) <= limit
        return (mb >= work.needs_mb or not fits) and (quick or not limited)

    def order(mb):
        return price(work, terms, mb, **how), takes(work, terms, mb, **how)

    return min(filter(may, terms.sizes), key=order, default=None)


def on_an_edge(work, terms, mb, limit):
    """Whether a float's last bit could decide; with a whole CPU, times are whole."""
    time = takes(work, terms, mb)
    edge = abs(time / terms.step - round(time / terms.step)) < 1e-6
    return abs(time - limit) < 0.01 or (edge and mb < terms.full_cpu_mb)


def cases():
    """Yield functions by chance."""
    random, found = Random(11), 0
    while found < 120:
        computes = random.choice((0, 8, 30, 90, 250)) + random.randint(1, 5)
        waits = random.choice((0, 0, 40, 200, 600))
        work = Work(computes, waits, random.choice((90, 150, 300, 700)))
        terms = Terms(tuple(random.sample(SIZES, 7)), 1769, random.choice((1, 100)))
        factor = random.choice((0.75, 1.2, 3, 20))
        limit = round(computes * factor + waits) + 1
        if not any(on_an_edge(work, terms, mb, limit) for mb in terms.sizes):
            found += 1
            yield work, terms, limit


WRONG = {
    "needs-more": {"fits": False},
    "too-slow": {"limited": False},
    "waits-faster-too": {"waits_alike": True},
    "a-second-cpu": {"capped": False},
}


class Choice:
    """A size that was chosen, the right one, and who would choose that."""

    def __init__(self, work, terms, limit, picked):
        self.work, self.terms, self.limit, self.picked = work, terms, limit, picked
        asked = work, terms, limit
        self.right = best(*asked)
        self.ok = picked == self.right
        says = [name for name, how in WRONG.items() if picked == best(*asked, **how)]
        self.only = says[0] if len(says) == 1 and not self.ok else ""
        self.offered = picked in (None, *terms.sizes)
        self.computes, self.waits, self.needs = work.computes, work.waits, work.needs_mb
        self.step, self.sizes = terms.step, sorted(terms.sizes)
        self.took = self.time(picked)
        self.right_took = self.time(self.right)
        will_do = picked in terms.sizes and self.possible(picked)
        smaller = [mb for mb in terms.sizes if self.possible(mb) and mb < (picked or 0)]
        dearer = will_do and price(*asked[:2], picked) > price(*asked[:2], self.right)
        self.smallest_dearer = dearer and not smaller
        self.as_dear = will_do and not dearer

    def possible(self, mb):
        """Whether a size may be chosen."""
        quick = takes(self.work, self.terms, mb) <= self.limit
        return mb >= self.work.needs_mb and quick

    def time(self, mb):
        """Return a size's time as text."""
        known = mb in self.terms.sizes
        return f"{takes(self.work, self.terms, mb):.1f} ms" if known else "no time"


def misconception(name):
    return Law(name, lambda c: c.only == name, lambda c: c.ok)


LAWS = (
    Law("another-size", always, lambda c: c.offered),
    *map(misconception, WRONG),
    Law("smallest", lambda c: c.smallest_dearer, lambda c: c.ok),
    Law("slower-for-the-same-money", lambda c: c.as_dear, lambda c: c.ok),
    Law("nothing-will-do", lambda c: c.right is None, lambda c: c.ok),
    Law("another-choice", always, lambda c: c.ok),
)
CHECK = Check(
    cases=cases, seen=Choice, laws=LAWS, returns=int | None, wants="a size or None"
)
