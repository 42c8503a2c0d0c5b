"""Checks exercise 6.4: a limit from yesterday's answers, and the tries that fit."""

from bisect import bisect_right
from math import ceil

from movingparts.check import Check, Law, always
from movingparts.core.random import LogNormal, stream

QUICK, SLOW = LogNormal(0.4, 1.5), LogNormal(6.0, 20.0)  # seconds to a "yes"
REFUSED = LogNormal(0.05, 0.2)
HANGS_UP = 120_000  # milliseconds until a counter hung up without an answer


def cases():
    """Yield days with good answers only, then with refusals, silence, and both."""
    for seed in range(48):
        rng, others = stream(seed, "wholesaler"), seed // 12
        count, share = 40 + 20 * (seed % 12), (0.02, 0.08, 0.2)[seed % 3]
        answers = []
        for _ in range(count):
            kind = SLOW if rng.random() < share else QUICK
            answers.append((kind.draw(rng) // 1000, "yes"))
        if others in (1, 3):
            refusals = [(REFUSED.draw(rng) // 1000, "no") for _ in range(count)]
            answers += refusals
        if others in (2, 3):
            silent = [(HANGS_UP + rng.randrange(999), "none") for _ in range(count)]
            answers += silent[: count // 4 + 1]
        rng.shuffle(answers)
        yield answers, rng.choice((1, 2, 5, 10)), rng.choice((1_000, 8_000, 60_000))


class Chosen:
    """A limit and a number of tries, and what they do to that day's answers."""

    def __init__(self, answers, percent, deadline, value):
        self.percent, self.deadline, self.numbers = percent, deadline, len(value)
        kinds = {answer for _, answer in answers}
        self.refusals, self.silence = "no" in kinds, "none" in kinds
        good = sorted(ms for ms, answer in answers if answer == "yes")
        self.good, self.longest = len(good), good[-1]
        self.needed = good[ceil(len(good) * (100 - percent) / 100) - 1]
        if self.numbers != 2:
            return
        self.limit, self.tries = value
        self.late = len(good) - bisect_right(good, self.limit)
        self.may_be_late = percent * len(good) // 100
        self.takes = self.limit * self.tries
        self.fit = deadline // self.needed


def short(chosen):  # by more than one place in the sorted list
    return chosen.late > chosen.may_be_late + 1


def only_good(chosen):
    return not (chosen.refusals or chosen.silence)


LAWS = (
    Law("two-numbers", always, lambda c: c.numbers == 2),
    Law("hides-the-slow", only_good, lambda c: not short(c)),
    Law(
        "waits-for-the-last",
        lambda c: only_good(c) and c.needed < c.longest,
        lambda c: c.limit < c.longest,
    ),
    Law("counts-refusals", lambda c: c.refusals, lambda c: not short(c)),
    Law("counts-silence", lambda c: c.silence, lambda c: c.limit <= c.longest),
    Law("another-limit", always, lambda c: c.limit == c.needed),
    Law("past-the-deadline", always, lambda c: c.takes <= c.deadline),
    Law("other-tries", always, lambda c: c.tries == c.fit),
)
CHECK = Check(
    cases=cases,
    seen=Chosen,
    laws=LAWS,
    returns=list[float],
    wants="two numbers, the limit and the tries",
)
