"""Checks exercise 8.3: days in a garage whose barriers send late."""

from itertools import takewhile
from random import Random

from movingparts.check import Check, Law, always
from movingparts.eventstore import StoredEvent

OPEN, CLOSED = 6 * 60, 22 * 60
BARRIERS = ("CarEntered", "CarLeft")


def new_tariff(minutes):
    """Return what a stay costs, in cents."""
    return 90 + 4 * minutes


def stays(random):
    """Yield each car's stays of a day; some end after the garage has closed."""
    for number in range(random.randint(2, 7)):
        at = OPEN + random.randrange(240)
        while at < CLOSED:
            end = at + random.choice((random.randint(1, 20), random.randint(30, 400)))
            yield f"B-{number + 1}", at, end
            at = end + random.randint(1, 300)


def day(random):
    """Return a day's log, in which one barrier has sent for some time too late."""
    seen = []
    for car, start, end in stays(random):
        seen.append((start, "CarEntered", {"car": car, "at": start}))
        paid = 100 + 2 * (end - start)
        seen.append((end, "CarLeft", {"car": car, "at": end, "paid": paid}))
    seen += [(m, "LampReplaced", {"lamp": "L1"}) for m in (OPEN, random.randrange(999))]
    late, since = random.choice(BARRIERS), random.randrange(OPEN, CLOSED)
    sent = sorted(
        ((since + 180 if kind == late and since <= at < since + 180 else at), at, n)
        for n, (at, kind, _) in enumerate(seen)
    )
    found = [seen[n][1:] for _, _, n in sent]
    return [
        StoredEvent(n, "garage", n, f"g{n}", kind, data)
        for n, (kind, data) in enumerate(found, start=1)
    ]


def cases():
    """Ask about a minute in which something happened, and about any other."""
    random = Random(8)
    for _ in range(60):
        log = day(random)
        times = [event.data["at"] for event in log if event.type in BARRIERS]
        yield log, random.choice(times), new_tariff
        yield log, random.randrange(OPEN, CLOSED), new_tariff


def fold(events):
    """Return who is inside, and the stays that are over: car, minutes, paid."""
    entered, over = {}, []
    for event in events:
        car, at = event.data["car"], event.data["at"]
        if event.type == "CarEntered":
            entered[car] = at
        elif car in entered:
            over.append((car, at - entered.pop(car), event.data["paid"]))
    return entered, over


def in_time(events):
    return sorted(events, key=lambda event: event.data["at"])


class Asked:
    """What was asked and answered, and what mistakes would have answered."""

    def __init__(self, log, at, tariff, value):
        def before(event):
            return event.data["at"] <= at

        log = [event for event in log if event.type in BARRIERS]
        entered, over = fold(in_time(filter(before, log)))
        self.value, self.truth = value, f"{said(entered)} inside"
        self.time = f"{at // 60:02}:{at % 60:02}"
        self.is_pair = (
            len(value) == 2
            and isinstance(value[0], set | frozenset)
            and type(value[1]) is int
        )
        if not self.is_pair:
            return
        self.inside, self.cents = value
        self.found = said(self.inside)
        self.is_right = self.inside == set(entered)
        whole_day = fold(in_time(log))
        mistakes = {
            "now": [fold(log)[0], whole_day[0]],
            "stops": [fold(takewhile(before, log))[0]],
            "position": [fold(filter(before, log))[0]],
            "minute": [fold(in_time(e for e in log if e.data["at"] < at))[0]],
        }
        self.like = [
            name for name, each in mistakes.items() if self.inside in map(set, each)
        ]
        minutes = [minutes for _, minutes, _ in over]
        self.minutes = ", ".join(map(str, minutes)) or "no"
        self.right = sum(map(tariff, minutes))
        cars = {car for car, *_ in over}
        by_car = [sum(m for c, m, _ in over if c == car) for car in cars]
        still = sum(tariff(at - since) for since in entered.values())
        sums = {
            "paid": [sum(paid for *_, paid in over)],
            "long": [tariff(sum(minutes)), sum(map(tariff, by_car))],
            "still": [self.right + still],
            "day": [sum(tariff(minutes) for _, minutes, _ in whole_day[1])],
        }
        self.sums = [name for name, each in sums.items() if self.cents in each]

    def mistook(self, name):
        """Whether this mistake, and no other, explains a wrong set of cars."""
        return not self.is_right and self.like == [name]

    def summed(self, name):
        """Whether this mistake, and no other, explains a wrong number of cents."""
        return self.cents != self.right and self.sums == [name]


def said(cars):
    if not cars:
        return "no car was"
    names = ", ".join(sorted(map(str, cars)))
    return f"{names} {'was' if len(cars) == 1 else 'were'}"


LAWS = (
    Law("not-a-pair", always, lambda a: a.is_pair),
    Law("only-knows-now", always, lambda a: not a.mistook("now")),
    Law("stops-too-early", always, lambda a: not a.mistook("stops")),
    Law("order-of-the-log", always, lambda a: not a.mistook("position")),
    Law("that-very-minute", always, lambda a: not a.mistook("minute")),
    Law("another-inside", always, lambda a: a.is_right),
    Law("what-was-paid", always, lambda a: not a.summed("paid")),
    Law("one-long-stay", always, lambda a: not a.summed("long")),
    Law("charges-those-inside", always, lambda a: not a.summed("still")),
    Law("charges-the-whole-day", always, lambda a: not a.summed("day")),
    Law("another-sum", always, lambda a: a.cents == a.right),
)
CHECK = Check(
    cases=cases,
    seen=Asked,
    laws=LAWS,
    returns=list[object],
    wants="a pair, `(inside, cents)`",
)
