"""Checks exercise 1.6: pages are built in virtual time, and slow ones are counted."""

from statistics import mean

from movingparts.check import Check, Law, always
from movingparts.scenes.ch01.pages import measured, pages


def cases():
    """Yield two services' calls, and pages made of them; no limit is hit exactly."""
    even, tail = measured(1, median=10, p99=40), measured(2, median=5, p99=200)
    yield tail, 20, 90.5, "at once"
    yield even, 10, 19.5, "at once"
    yield tail, 1, 19.5, "at once"
    yield tail, 10, 120.5, "in a row"
    yield even, 5, 99.5, "in a row"
    yield tail, 2, 59.5, "in a row"


def share(times, limit):
    return sum(time > limit for time in times) / len(times)


class Answered:
    """A kind of page, what was answered, and how many of its pages were slow."""

    def __init__(self, times, calls, limit, how, answer):
        self.calls, self.answer, self.each = calls, answer, limit / calls
        self.page = f"Pages with {calls} calls {how}, and {limit:g} ms for all of them"
        self.slow = share(pages(tuple(times), calls, how), limit)
        self.one, self.at_once = share(times, limit), how == "at once"
        self.slowest = 1 - (1 - self.one) ** calls
        self.split = 1 - (1 - share(times, self.each)) ** calls
        average = mean(times) * (1 if self.at_once else calls)
        self.by_average = float(average > limit)

    def says(self, share):
        """Return whether this was the answer; none and all say nothing about a way."""
        return 0.01 < share < 0.99 and abs(self.answer - share) <= 0.005


def right(answered):
    return abs(answered.answer - answered.slow) <= 0.05


CHECK = Check(
    cases=cases,
    seen=Answered,
    returns=float,
    wants="a number from 0 to 1",
    laws=(
        Law("adds-up-shares", lambda a: a.at_once and a.says(a.calls * a.one), right),
        Law("averages", lambda a: a.at_once and a.answer == a.by_average, right),
        Law("one-call-only", lambda a: a.at_once and a.says(a.one), right),
        Law("same-for-both", lambda a: not a.at_once and a.says(a.slowest), right),
        Law("splits-the-limit", lambda a: not a.at_once and a.says(a.split), right),
        Law("no-share", always, lambda a: 0 <= a.answer <= 1),
        Law("far-off", always, right),
    ),
)
