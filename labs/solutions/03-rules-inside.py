"""Solutions to the exercises of lab 03, one section each."""

from datetime import timedelta

from movingparts.check.ch03 import (
    AnomalyFound,
    BikeDocked,
    BikeTaken,
    BikeUnlocked,
    Decision,
    Docked,
    DockJammed,
    DockMended,
    Jammed,
    Mended,
    Refused,
    Taken,
    Unlock,
)
from movingparts.city.billing.model import Money

# --- 3.1 No cent lost -------------------------------------------------------------


def share(fare, riders):
    each, rest = divmod(int(fare.amount * 100), riders)
    cents = [each + 1] * rest + [each] * (riders - rest)
    return [Money.cents(n, fare.currency) for n in cents]


# --- 3.2 The rule moves in --------------------------------------------------------


class Stand:
    def __init__(self, bikes):
        self.bikes = list(bikes)
        self.promised = {}  # bike: (rider, until)
        self.riding = {}  # bike: rider

    def reserve(self, rider, now):
        promises = self._promises(now)
        if rider in [*self.riding.values(), *(whose for whose, _ in promises.values())]:
            raise Refused(f"{rider} has a bike already")
        bike = self._free(promises)
        self.promised = promises | {bike: (rider, now + timedelta(minutes=10))}
        return bike

    def walk_up(self, rider, now):
        if rider in self.riding.values():
            raise Refused(f"{rider} has a bike already")
        promises = self._promises(now)
        mine = [bike for bike, (whose, _) in promises.items() if whose == rider]
        bike = mine[0] if mine else self._free(promises)
        promises.pop(bike, None)
        self.promised, self.riding[bike] = promises, rider
        return bike

    def give_back(self, rider, bike, now):
        if self.riding.get(bike) != rider:
            raise Refused(f"{rider} is not riding {bike}")
        del self.riding[bike]

    def _promises(self, now):
        return {bike: p for bike, p in self.promised.items() if now < p[1]}

    def _free(self, promises):
        for bike in self.bikes:
            if bike not in promises and bike not in self.riding:
                return bike
        raise Refused("no bike is left")


# --- 3.3 Told or asked ------------------------------------------------------------


def handle(dock, message):
    at = message.at
    match message:
        case Unlock():
            if dock.jammed or dock.bike is None:
                raise Refused("the dock is jammed or empty")
            return [BikeUnlocked(dock.bike, at)]
        case _ if message in dock.reports:
            return []
        case _ if dock.is_late(message):
            return [AnomalyFound("a later report is known", at)]
        case Docked(bike):
            event, odd = BikeDocked(bike, at), dock.bike not in (None, bike)
        case Taken(bike):
            event, odd = BikeTaken(bike, at), dock.bike != bike
        case Jammed():
            event, odd = DockJammed(at), False
        case Mended():
            event, odd = DockMended(at), False
    wonder = AnomalyFound(f"the bike that was known to be there: {dock.bike}", at)
    return [event, wonder] if odd else [event]


# --- 3.4 Where to draw the line ---------------------------------------------------


def decide(case, measure):
    for boundary in ("bike", "station", "city"):
        found = measure(boundary)
        if case.rule in found.rules and found.conflict_rate <= case.limit:
            return Decision(boundary, found.conflict_rate, needs_process=False)
    return Decision("bike", measure("bike").conflict_rate, needs_process=True)


# --- 3.5 Charging columns ---------------------------------------------------------


class Site:
    def __init__(self, columns, limit):
        self.limit = limit
        self.uses = {}  # column: (car, kw, until), with None while it charges

    def reserve(self, car, column, kw, now):
        self._use(self._bound(now), column, (car, kw, now + timedelta(minutes=15)))

    def start(self, car, column, kw, now):
        uses = self._bound(now)
        whose, _, until = uses.get(column, (None, 0, None))
        if whose == car and until is not None:
            del uses[column]  # charging takes the place of its own reservation
        self._use(uses, column, (car, kw, None))

    def stop(self, car, now):
        own = [
            c for c, (who, _, until) in self.uses.items() if (who, until) == (car, None)
        ]
        if not own:
            raise Refused(f"{car} does not charge")
        del self.uses[own[0]]

    def unplugged(self, column, now):
        if column in self.uses and self.uses[column][2] is None:
            del self.uses[column]

    def _bound(self, now):
        uses = self.uses.items()
        return {c: use for c, use in uses if use[2] is None or now < use[2]}

    def _use(self, uses, column, use):
        car, kw, _ = use
        if column in uses or car in [who for who, _, _ in uses.values()]:
            raise Refused("one car a column, one column a car")
        if sum(each for _, each, _ in uses.values()) + kw > self.limit:
            raise Refused(f"more than {self.limit} kW for all columns together")
        self.uses = uses | {column: use}
