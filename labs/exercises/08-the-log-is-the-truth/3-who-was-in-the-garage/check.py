"""Checks exercise 8.3: days in a garage whose barriers send late."""

from random import Random

from movingparts.check import Check, Law, always, never
from movingparts.eventstore import StoredEvent

OPEN, CLOSED = 6 * 60, 22 * 60
BARRIERS = ("CarEntered", "CarLeft")


def new_tariff(minutes):
    """Return what a stay costs, in cents."""
    return 90 + 4 * minutes


def seen(random):
    """Yield what the barriers see in a day: when, what, and of which car."""
    for number in range(random.randint(2, 7)):
        at = OPEN + random.randrange(240)
        while at < CLOSED:
            end = at + random.choice((random.randint(1, 20), random.randint(30, 400)))
            car = {"car": f"B-{number + 1}"}
            yield at, "CarEntered", car | {"at": at}
            yield end, "CarLeft", car | {"at": end, "paid": 100 + 2 * (end - at)}
            at = end + random.randint(1, 300)
    yield OPEN, "LampReplaced", {"lamp": "L1"}


def day(random):
    """Return a day's log, in which one barrier has sent for some time too late."""
    late, since = random.choice(BARRIERS), random.randrange(OPEN, CLOSED)

    def sent(happening):
        at, kind, _ = happening
        waits = kind == late and since <= at < since + 180
        return since + 180 if waits else at, at

    return [
        StoredEvent(n, "garage", n, f"g{n}", kind, data)
        for n, (_, kind, data) in enumerate(sorted(seen(random), key=sent), start=1)
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
    """Return who is inside, and the stays that are over: minutes, and what was paid."""
    entered, over = {}, []
    for event in events:
        car, at = event.data["car"], event.data["at"]
        if event.type == "CarEntered":
            entered[car] = at
        elif car in entered:
            over.append((at - entered.pop(car), event.data["paid"]))
    return entered, over


def in_time(events):
    return sorted(events, key=lambda event: event.data["at"])


class Asked:
    """What was asked and answered, and what mistakes would have answered."""

    def __init__(self, log, at, tariff, value):
        def past(event):
            return event.data["at"] <= at

        log = [event for event in log if event.type in BARRIERS]
        entered, over = fold(in_time(filter(past, log)))
        minutes = [minutes for minutes, _ in over]
        self.time = f"{at // 60:02}:{at % 60:02}"
        self.inside, self.cents = value
        self.found, self.truth = said(self.inside), f"{said(entered)} inside"
        self.minutes, self.right = f"{minutes}"[1:-1], sum(map(tariff, minutes))
        self.is_inside = self.inside == set(entered)
        cars = {
            "now": fold(in_time(log))[0],
            "now, by position": fold(log)[0],
            "position": fold(filter(past, log))[0],
            "minute": fold(in_time(e for e in log if e.data["at"] < at))[0],
        }
        sums = {
            "paid": sum(paid for _, paid in over),
            "still": self.right + sum(tariff(at - since) for since in entered.values()),
        }
        likely = [name for name, each in cars.items() if self.inside == set(each)]
        if self.is_inside:
            likely = [name for name, each in sums.items() if self.cents == each]
        # What several mistakes explain, or none has to be made for, tells nothing.
        unclear = len(likely) != 1 or (self.is_inside and self.cents == self.right)
        self.mistake = "" if unclear else likely[0]


def said(cars):
    names = ", ".join(sorted(map(str, cars))) or "no car"
    return f"{names} {'was' if len(cars) < 2 else 'were'}"


def mistakes(*names):
    return lambda asked: asked.mistake in names


LAWS = (
    Law("only-knows-now", mistakes("now", "now, by position"), never),
    Law("order-of-the-log", mistakes("position"), never),
    Law("that-very-minute", mistakes("minute"), never),
    Law("another-inside", always, lambda asked: asked.is_inside),
    Law("what-was-paid", mistakes("paid"), never),
    Law("charges-those-inside", mistakes("still"), never),
    Law("another-sum", always, lambda asked: asked.cents == asked.right),
)
CHECK = Check(
    cases=cases,
    seen=Asked,
    laws=LAWS,
    returns=tuple[set[str], float],
    wants="a pair, `(inside, cents)`: a set of cars, and a number",
)
