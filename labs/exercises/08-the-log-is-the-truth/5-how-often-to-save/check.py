"""Checks exercise 8.5: shops whose tills were measured, from short to long streams."""

from random import Random
from statistics import mean

from movingparts.check import Check, Law, always
from movingparts.scenes.ch08.cards import Refused, Trial

EVENT, SAVE = 0.05, 8.0  # ms to read an event, and to save a snapshot
COUNT, STALL = 400, 300.0  # commands in a trial, and what a rare slow one takes, in ms
# The intervals and lengths that were measured, whether one command in 200 was slow,
# the length that is asked for, and the limit.
MEASURED = [(every, 2_000) for every in (20, 50, 200, 500)]
SHOPS = [
    (MEASURED, False, 2_000, 15.0),
    (MEASURED, True, 2_000, 25.0),
    ([(None, 100), (None, 2_000), *MEASURED], False, 2_000, 16.0),
    ([*MEASURED, (None, 200)], False, 200, 20.0),
    ([(200, 100), (None, 3_000), *MEASURED], False, 1_500, 25.0),
    ([*MEASURED, (None, 2_000)], False, 2_000, 5.0),
    ([(None, 1_000), (500, 50), (500, 2_000)], False, 1_000, 20.0),
    ([(None, 100), (None, 400), (20, 400)], True, 300, 30.0),
]


def trial(random, every, length, stalls):
    """Return what commands took: to append, to read events, and to save a snapshot."""
    first, waits = random.randrange(every or 1), []
    for number in range(first, first + COUNT):
        after = min(length, number % every + 1) if every else length
        took = 2.0 + EVENT * after + random.uniform(0.0, 0.4) + SAVE * (after == every)
        waits.append(round(took + STALL * (stalls and number % 200 == 77), 1))
    return Trial(every, length, tuple(waits))


def cases():
    """Yield the shops, each with its trials in three orders."""
    random = Random(8)
    for measured, stalls, length, limit in SHOPS:
        trials = [trial(random, every, long, stalls) for every, long in measured]
        for _ in range(3):
            random.shuffle(trials)
            yield list(trials), length, limit


def slow(trial, limit):
    return sum(wait > limit for wait in trial.waits)


def rarest(trials):
    chosen = [trial.every for trial in trials] or [Refused]
    return None if None in chosen else max(chosen)


def said(every):
    return "no snapshots" if every is None else f"a snapshot every {every} events"


class Choice:
    """What was chosen, what is right, and what each mistake would have chosen."""

    def __init__(self, trials, length, limit, value):
        self.length, self.limit, self.count = length, f"{limit:g}", COUNT
        self.allowed, self.every = COUNT // 100, [trial.every for trial in trials]
        self.refused = isinstance(value, Refused)
        self.value = Refused if self.refused else value
        self.says = said(value)
        self.did = "refused" if self.refused else f"chose {self.says}"
        long = [each for each in trials if each.length >= length]
        quick = [each for each in trials if slow(each, limit) <= self.allowed]
        good = [each for each in long if each in quick]
        self.right, self.good = rarest(good), [each.every for each in good]
        self.best = "" if self.right is Refused else said(self.right)
        self.mistakes = {
            "short": rarest(quick),
            "same": rarest([each for each in good if each.length == length]),
            "mean": rarest([each for each in long if mean(each.waits) <= limit]),
            "worst": rarest([each for each in good if max(each.waits) <= limit]),
        }
        found = [slow(each, limit) for each in long if each.every == value]
        best = [slow(each, limit) for each in good if each.every == self.right]
        self.slow, self.spare = min(found, default=0), min(best, default=0)

    def never(self, name):
        """Return whether the answer isn't what one mistake, and no other, chooses."""
        made = [each for each, chose in self.mistakes.items() if chose == self.value]
        return self.value == self.right or made != [name]


LAWS = (
    Law("not-measured", lambda c: not c.refused, lambda c: c.value in c.every),
    Law("short-streams", always, lambda c: c.never("short")),
    Law("longer-counts", always, lambda c: c.never("same")),
    Law("averages", always, lambda c: c.never("mean")),
    Law("worst-case", always, lambda c: c.never("worst")),
    Law("breaks-the-limit", lambda c: not c.refused, lambda c: c.value in c.good),
    Law("gives-up", lambda c: c.refused, lambda c: c.right is Refused),
    Law("saves-too-often", lambda c: c.right is not None, lambda c: c.value == c.right),
    Law("snapshots-for-nothing", always, lambda c: c.value == c.right),
)
CHECK = Check(
    cases=cases,
    seen=Choice,
    laws=LAWS,
    returns=int | None,
    wants="an interval from the trials, or None",
    may_raise=(Refused,),
    praise=lambda seen: {"none": sum(each.right is None for each in seen)},
)
