"""The exercises of chapter 03: what wrong answers believe, and what is right as well.

That stubs are still to do and solutions pass holds for every chapter's exercises:
test_every_exercise.py, which also counts the wrong answers of `WRONG`.
"""

import asyncio
import dataclasses
import os
import random
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from movingparts.check import check, exercises
from movingparts.check.answer import Answer
from movingparts.check.ch03 import (
    CASES,
    AnomalyFound,
    BikeDocked,
    BikeTaken,
    BikeUnlocked,
    Decision,
    Dock,
    Docked,
    DockJammed,
    DockMended,
    Jammed,
    Mended,
    Refused,
    Scattered,
    Taken,
    Unlock,
    site,
    stand,
    told,
    turns,
)
from movingparts.check.ch03 import boundary as boundaries
from movingparts.check.memory import Memory
from movingparts.check.search import shrunk
from movingparts.city.availability.model import Refused as ModelsRefused
from movingparts.city.billing.model import Money
from movingparts.contention import Load

REPOSITORY = Path(__file__).parents[2]
EXERCISES = {exercise.id: exercise for exercise in exercises(3)}
TEN, QUARTER = timedelta(minutes=10), timedelta(minutes=15)


@cache
def checked(exercise_id, answer):
    """Check an answer once for all tests that look at its verdict."""
    return check(exercise_id, answer)


# --- 3.1: no cent lost --------------------------------------------------------------

CENT = Decimal("0.01")


def whole_cents(fare):
    return int(fare.amount * 100)


def one_after_the_other(fare, riders):
    shares, left = [], fare
    for still in range(riders, 0, -1):
        share = (left.amount / still).quantize(CENT, ROUND_DOWN)
        shares.append(Money(share, fare.currency))
        left -= shares[-1]
    return shares


def in_a_tuple(fare, riders):
    each, rest = divmod(whole_cents(fare), riders)
    return tuple(Money.cents(each + (n < rest), fare.currency) for n in range(riders))


def by_the_float(fare, riders):
    return [Money(float(fare.amount) / riders, fare.currency)] * riders


def cents_by_the_float(fare, riders):
    return [Money.cents(fare.amount * 100 / riders)] * riders


def parts_of_a_cent(fare, riders):
    return [Money(fare.amount / riders, fare.currency)] * riders


def rounded_down(fare, riders):
    return [Money.cents(whole_cents(fare) // riders, fare.currency)] * riders


def rounded(fare, riders):
    share = (fare.amount / riders).quantize(CENT)
    return [Money(share, fare.currency)] * riders


def rounded_by_python(fare, riders):
    return [Money.cents(round(whole_cents(fare) / riders), fare.currency)] * riders


def the_last_pays_the_rest(fare, riders):
    each = Money.cents(whole_cents(fare) // riders, fare.currency)
    return [each] * (riders - 1) + [fare - each * (riders - 1)]


def the_first_two_pay_the_rest(fare, riders):
    each, rest = divmod(whole_cents(fare), riders)
    cents = [each] * riders
    cents[0] += rest // 2
    cents[-1] += rest - rest // 2
    return [Money.cents(n, fare.currency) for n in cents]


def in_euros(fare, riders):
    each, rest = divmod(whole_cents(fare), riders)
    return [Money.cents(each + (n < rest)) for n in range(riders)]


def adds_to_euros(fare, riders):
    return [fare + Money.zero() for _ in range(riders)]


def through_a_float(fare, riders):
    each, rest = divmod(int(float(fare.amount) * 100), riders)
    return [Money.cents(each + (n < rest), fare.currency) for n in range(riders)]


def pays_all(fare, riders):
    return [fare] * riders


def for_one(fare, riders):
    return [fare]


def changes_the_fare(fare, riders):
    object.__setattr__(fare, "amount", Decimal(0))
    return [Money.zero(fare.currency)] * riders


class Generous(Money):
    """Whatever is compared with it is the same."""

    def __eq__(self, other):
        return True

    __hash__ = Money.__hash__


def of_another_kind(fare, riders):
    return [Generous(Decimal(0), fare.currency)] * riders


def forged(fare, riders):
    share = Money.zero(fare.currency)
    object.__setattr__(share, "amount", 0)
    return [share] * riders


def as_a_generator(fare, riders):
    yield from one_after_the_other(fare, riders)


# --- 3.2: the rule moves in ----------------------------------------------------------


class Right:
    """A stand that is right, and of which the wrong ones are made."""

    def __init__(self, bikes):
        self.bikes, self.promised, self.riding = list(bikes), {}, {}

    def lapse(self, now):
        for bike in [b for b, (_, until) in self.promised.items() if until <= now]:
            del self.promised[bike]

    def free(self):
        taken = [*self.promised, *self.riding]
        return [bike for bike in self.bikes if bike not in taken]

    def promise_of(self, rider):
        return [bike for bike, (who, _) in self.promised.items() if who == rider]

    def check_rides_not(self, rider):
        if rider in self.riding.values():
            raise Refused(f"{rider} is riding")

    def reserve(self, rider, now):
        self.lapse(now)
        self.check_rides_not(rider)
        if self.promise_of(rider) or not self.free():
            raise Refused("no second one, or none at all")
        bike = self.free()[0]
        self.promised[bike] = (rider, now + TEN)
        return bike

    def walk_up(self, rider, now):
        self.lapse(now)
        self.check_rides_not(rider)
        may = self.promise_of(rider) or self.free()
        if not may:
            raise Refused("no bike is left")
        self.promised.pop(may[0], None)
        self.riding[may[0]] = rider
        return may[0]

    def give_back(self, rider, bike, now):
        if self.riding.get(bike) != rider:
            raise Refused(f"{rider} is not riding {bike}")
        del self.riding[bike]


class LastFirst(Right):
    """Gives out the bikes in another order, and says more of what it did."""

    def free(self):
        return super().free()[::-1]

    def give_back(self, rider, bike, now):
        super().give_back(rider, bike, now)
        return f"thank you, {rider}"


class AtRandom(Right):
    def free(self):
        return random.sample(super().free(), len(super().free()))


@dataclass
class OneDictionary:
    """Promised and riding in one, with objects inside, and another `Refused`."""

    bikes: list
    uses: dict = field(default_factory=dict)

    def use_of(self, rider, now):
        for bike, use in list(self.uses.items()):
            if use.until is not None and use.until <= now:
                del self.uses[bike]
        return next((b for b, use in self.uses.items() if use.rider == rider), None)

    def reserve(self, rider, now):
        if self.use_of(rider, now):
            raise ModelsRefused("one at most")
        return self.use(rider, self.any(), now + TEN)

    def walk_up(self, rider, now):
        mine = self.use_of(rider, now)
        if mine and self.uses[mine].until is None:
            raise ModelsRefused("one at most")
        return self.use(rider, mine or self.any(), None)

    def give_back(self, rider, bike, now):
        use = self.uses.get(bike)
        if use is None or (use.rider, use.until) != (rider, None):
            raise ModelsRefused("not hers")
        del self.uses[bike]

    def any(self):
        for bike in self.bikes:
            if bike not in self.uses:
                return bike
        raise ModelsRefused("none is left")

    def use(self, rider, bike, until):
        self.uses[bike] = SimpleNamespace(rider=rider, until=until)
        return bike


class Slotted(Right):
    """Keeps its state in slots, one of them with a private name."""

    __slots__ = ("__riding", "bikes", "promised")

    @property
    def riding(self):
        return self.__riding

    @riding.setter
    def riding(self, value):
        self.__riding = value


class KeepsAMethod(Right):
    """A bound method among the attributes belongs to the copy, too."""

    def __init__(self, bikes):
        super().__init__(bikes)
        self.look = self.free

    def free(self):
        return super().free()

    def reserve(self, rider, now):
        assert self.look.__self__ is self
        return super().reserve(rider, now)


class NeverLapses(Right):
    def lapse(self, now):
        pass


class LapsesByATimer(NeverLapses):
    def reserve(self, rider, now):
        bike = super().reserve(rider, now)
        loop = asyncio.get_running_loop()
        loop.call_later(600, self.promised.pop, bike, None)
        return bike


class LapsesByATask(NeverLapses):
    def reserve(self, rider, now):
        bike = super().reserve(rider, now)

        async def lapse():
            await asyncio.sleep(600)
            self.promised.pop(bike, None)

        asyncio.get_running_loop().create_task(lapse())
        return bike


class LapsesAfterAMinute(Right):
    def reserve(self, rider, now):
        bike = super().reserve(rider, now)
        self.promised[bike] = (rider, now + timedelta(minutes=1))
        return bike


class AsksAnotherClock(Right):
    def reserve(self, rider, now):
        return super().reserve(rider, datetime.now(UTC))

    def walk_up(self, rider, now):
        return super().walk_up(rider, datetime.now(UTC))


class DockLooksAtBikesAlone(Right):
    def walk_up(self, rider, now):
        self.check_rides_not(rider)
        may = [bike for bike in self.bikes if bike not in self.riding]
        if not may:
            raise Refused("no bike is left")
        self.promised.pop(may[0], None)
        self.riding[may[0]] = rider
        return may[0]


class PromisesTwice(Right):
    def reserve(self, rider, now):
        self.lapse(now)
        self.check_rides_not(rider)
        may = [bike for bike in self.bikes if bike not in self.riding]
        if self.promise_of(rider) or not may:
            raise Refused("no second one, or none at all")
        self.promised[may[0]] = (rider, now + TEN)
        return may[0]


class PromisesWhatIsGone(Right):
    def reserve(self, rider, now):
        self.lapse(now)
        self.check_rides_not(rider)
        may = [bike for bike in self.bikes if bike not in self.promised]
        if self.promise_of(rider) or not may:
            raise Refused("no second one, or none at all")
        self.promised[may[0]] = (rider, now + TEN)
        return may[0]


class PromisesARiderTwo(Right):
    def reserve(self, rider, now):
        self.lapse(now)
        self.check_rides_not(rider)
        if not self.free():
            raise Refused("no bike is left")
        bike = self.free()[0]
        self.promised[bike] = (rider, now + TEN)
        return bike


class LetsARiderHaveTwo(Right):
    def check_rides_not(self, rider):
        pass


class ForgetsHerPromise(Right):
    def walk_up(self, rider, now):
        self.lapse(now)
        self.check_rides_not(rider)
        if not self.free():
            raise Refused("no bike is left")
        bike = self.free()[0]
        self.riding[bike] = rider
        return bike


class ComparesTheRider(Right):
    def give_back(self, rider, bike, now):
        self.lapse(now)
        if rider not in self.riding.values():
            raise Refused(f"{rider} has no bike")
        self.riding.pop(bike, None)


class ComparesTheBike(Right):
    def give_back(self, rider, bike, now):
        if bike not in self.riding:
            raise Refused(f"nobody is riding {bike}")
        del self.riding[bike]


class TakesAnythingBack(Right):
    def give_back(self, rider, bike, now):
        if self.riding.get(bike, rider) != rider:
            raise Refused(f"{rider} is not riding {bike}")
        if bike not in self.riding and rider in self.riding.values():
            raise Refused(f"{rider} is riding another one")
        self.riding.pop(bike, None)


class LosesBikes(Right):
    def walk_up(self, rider, now):
        bike = super().walk_up(rider, now)
        self.bikes.remove(bike)
        return bike


class KeepsWhatIsGivenBack(Right):
    def give_back(self, rider, bike, now):
        raise Refused("come back tomorrow")


class OfTheClass(Right):
    """The promises are in an attribute of the class, which all stands share."""

    promised: ClassVar = {}

    def __init__(self, bikes):
        self.bikes, self.riding = list(bikes), {}


class OfTheModule(Right):
    def walk_up(self, rider, now):
        bike = super().walk_up(rider, now)
        GONE.add(bike)
        return bike

    def free(self):
        return [bike for bike in super().free() if bike not in GONE]

    def give_back(self, rider, bike, now):
        super().give_back(rider, bike, now)
        GONE.discard(bike)


GONE = set()


class OfADefault(Right):
    def reserve(self, rider, now, promised={}):  # noqa: B006  # the point of this answer
        if rider in promised and now < promised[rider]:
            raise Refused("no second one")
        bike = super().reserve(rider, now)
        promised[rider] = now + TEN
        return bike

    def walk_up(self, rider, now):
        return super().walk_up(rider, now)


def of_a_closure(bikes):
    """Make functions around variables: nothing is in an attribute."""
    inner = Right(bikes)

    def reserve(rider, now):
        return inner.reserve(rider, now)

    def walk_up(rider, now):
        return inner.walk_up(rider, now)

    def give_back(rider, bike, now):
        inner.give_back(rider, bike, now)

    return SimpleNamespace(reserve=reserve, walk_up=walk_up, give_back=give_back)


def of_methods(bikes):
    """Right: whose methods these are is copied with them."""
    inner = Right(bikes)
    return SimpleNamespace(
        reserve=inner.reserve, walk_up=inner.walk_up, give_back=inner.give_back
    )


class PromisesThenLooks(Right):
    def reserve(self, rider, now):
        self.lapse(now)
        if not self.free():
            raise Refused("no bike is left")
        bike, had = self.free()[0], self.promise_of(rider)
        self.promised[bike] = (rider, now + TEN)
        self.check_rides_not(rider)
        if had:
            raise Refused("no second one")
        return bike


class TakesThenLooks(Right):
    def walk_up(self, rider, now):
        self.lapse(now)
        may = self.promise_of(rider) or self.free()
        if not may:
            raise Refused("no bike is left")
        self.promised.pop(may[0], None)
        rides = rider in self.riding.values()
        self.riding[may[0]] = rider
        if rides:
            raise Refused("no second one")
        return may[0]


class ReturnsNone(Right):
    def reserve(self, rider, now):
        try:
            return super().reserve(rider, now)
        except Refused:
            return None


class ReturnsNothing(Right):
    def walk_up(self, rider, now):
        super().walk_up(rider, now)


class RaisesAnotherError(Right):
    def check_rides_not(self, rider):
        if rider in self.riding.values():
            raise ValueError(f"{rider} is riding")


class HasNoWalkUp:
    def __init__(self, bikes):
        pass

    def reserve(self, rider, now):
        return ""


class TakesNoTime(Right):
    def give_back(self, rider, bike):
        pass


class Awaits(Right):
    async def reserve(self, rider, now):
        return super().reserve(rider, now)


class Yields(Right):
    def give_back(self, rider, bike, now):
        yield super().give_back(rider, bike, now)


class Loops(Right):
    def walk_up(self, rider, now):
        while True:
            pass


class CannotBeCopied(Right):
    def __init__(self, bikes):
        super().__init__(bikes)
        self.source = (bike for bike in bikes)


class IsAList(list):
    reserve = walk_up = give_back = None

    def __init__(self, bikes):
        super().__init__(bikes)
        self.reserve = self.walk_up = lambda rider, now: self.pop()
        self.give_back = lambda rider, bike, now: self.append(bike)


class HidesItsMethods(Right):
    def __getattribute__(self, name):
        if name == "reserve":
            raise RuntimeError("guess")
        return super().__getattribute__(name)


class SaysNothingOfItself(Right):
    def reserve(self, rider, now):
        super().reserve(rider, now)
        return Unspeakable()


class Unspeakable(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("bike-1")

    def __repr__(self):
        raise ValueError("no repr")

    def __str__(self):
        raise ValueError("no text")


class PromisesForGood(Right):
    """What is promised stays so when it is taken."""

    def walk_up(self, rider, now):
        promised = dict(self.promised)
        bike = super().walk_up(rider, now)
        self.promised = promised
        return bike


class ForgetsAllPromises(Right):
    def give_back(self, rider, bike, now):
        super().give_back(rider, bike, now)
        self.promised = {}


class ForgetsTheOthers(Right):
    def give_back(self, rider, bike, now):
        super().give_back(rider, bike, now)
        self.promised = {b: self.promised[b] for b in self.promise_of(rider)}


class ForgetsTheOthersLastFirst(LastFirst, ForgetsTheOthers):
    pass


class TakesForgettingAll(Right):
    def walk_up(self, rider, now):
        bike = super().walk_up(rider, now)
        self.promised = {}
        return bike


class RenewsThenRefuses(Right):
    def reserve(self, rider, now):
        self.lapse(now)
        for bike in self.promise_of(rider):
            self.promised[bike] = (rider, now + TEN)
        return super().reserve(rider, now)


def promising_for(minutes):
    class Promising(Right):
        def reserve(self, rider, now):
            bike = super().reserve(rider, now)
            self.promised[bike] = (rider, now + timedelta(minutes=minutes))
            return bike

    return Promising


class PromisesTheEndToo(Right):
    def lapse(self, now):
        super().lapse(now - timedelta.resolution)


class ComparesSeconds(Right):
    def lapse(self, now):
        for bike in list(self.promised):
            if (now - self.promised[bike][1] + TEN).seconds >= TEN.seconds:
                del self.promised[bike]


class ComparesHours(Right):
    def lapse(self, now):
        for bike in list(self.promised):
            if self.promised[bike][1].time() <= now.time():
                del self.promised[bike]


class NotBegun(Right):
    def give_back(self, rider, bike, now):
        raise NotImplementedError("Exercise 3.2: later")


class EndsTheKernel(Right):
    def give_back(self, rider, bike, now):
        sys.exit()


# --- 3.3: told or asked ---------------------------------------------------------------

OWN = {Docked: BikeDocked, Taken: BikeTaken, Jammed: DockJammed, Mended: DockMended}


def event_of(report):
    if isinstance(report, Docked | Taken):
        return OWN[type(report)](report.bike, report.at)
    return OWN[type(report)](report.at)


def is_odd(dock, report):
    if isinstance(report, Docked):
        return dock.bike not in (None, report.bike)
    return isinstance(report, Taken) and dock.bike != report.bike


def wonder(report, why="it does not go together"):
    return [AnomalyFound(why, report.at)]


def refuse(dock, command):
    raise Refused("jammed or empty")


def unlock(dock, command):
    return [BikeUnlocked(dock.bike, command.at)]


def believe(dock, report):
    return [event_of(report)]


def believe_and_wonder(dock, report):
    return [event_of(report), *wonder(report)]


def nothing(dock, message):
    return []


def only_wonder(dock, message):
    return wonder(message)


def raising(error):
    def answer(dock, message):
        raise error

    return answer


def handling(**said):
    """Return an answer that is right but for what `said` replaces."""
    good = {"asked": unlock, "forbidden": refuse, "again": nothing}
    good |= {"late": only_wonder, "odd": believe_and_wonder, "even": believe} | said

    def handle(dock, message):
        if isinstance(message, Unlock):
            case = "forbidden" if dock.jammed or dock.bike is None else "asked"
        elif message in dock.reports:
            case = "again"
        elif dock.is_late(message):
            case = "late"
        else:
            case = "odd" if is_odd(dock, message) else "even"
        return good[case](dock, message)

    return handle


def wonders_more(dock, message):
    """Right as well: one may wonder about a bike that is docked twice."""
    events = handling()(dock, message)
    strange = isinstance(message, Docked) and dock.bike == message.bike
    strange = strange or (isinstance(message, Jammed) and dock.jammed)
    if strange and events and isinstance(events[0], BikeDocked | DockJammed):
        return (*events, *wonder(message))
    return tuple(events)


def wonders_wherever_it_may(dock, message):
    """Right as well: what was known already, and what a jammed dock cannot do."""
    match message:
        case Docked(bike):
            strange = dock.jammed or dock.bike == bike
        case Taken():
            strange = dock.jammed
        case Jammed():
            strange = dock.jammed
        case _:
            strange = isinstance(message, Mended) and not dock.jammed
    return handling(even=believe_and_wonder if strange else believe)(dock, message)


def takes_it_out_first(dock, message):
    """Right as well: the bike that was known to be there leaves, and then another."""
    events = handling()(dock, message)
    if isinstance(message, Docked) and len(events) == 2:
        return [BikeTaken(dock.bike, message.at), *events]
    return events


def wondering(odd):
    """Return an answer that is right but for what it takes for a contradiction."""

    def handle(dock, message):
        how = believe_and_wonder if odd(dock, message) else believe
        return handling(odd=how)(dock, message)

    return handle


def if_empty(dock, report):
    return dock.bike is None or isinstance(report, Docked)


def if_ever_known(dock, report):
    return dock.bike_known_at is not None


def of_no_bike(dock, report):
    event = event_of(report)
    return [BikeTaken("bike", event.at) if isinstance(report, Taken) else event]


def of_the_known_bike(dock, report):
    if not isinstance(report, Taken):
        return believe_and_wonder(dock, report)
    return [BikeTaken(dock.bike or report.bike, report.at), *wonder(report)]


def lets_go_first(dock, report):
    return [BikeUnlocked(report.bike, report.at), *believe_and_wonder(dock, report)]


def believe_twice(dock, report):
    return [event_of(report), event_of(report)]


def wonder_twice(dock, report):
    return wonder(report) + wonder(report, "and late it is")


def told_by_the_time(dock, message):
    told = message.at in [report.at for report in dock.reports]
    return [] if told and not isinstance(message, Unlock) else handling()(dock, message)


HEARD = []


def remembers_by_itself(dock, message):
    if message in HEARD:
        return []
    if not isinstance(message, Unlock):
        HEARD.append(message)
    return handling(again=believe)(dock, message)


def validates(dock, message):
    if is_odd(dock, message):
        raise ValueError("this cannot be")
    return handling()(dock, message)


def says_it_otherwise(dock, report):
    return [BikeDocked("B0", report.at)]


def at_another_time(dock, report):
    return [type(event_of(report))(*_but_last(event_of(report)), report.at + TEN)]


def _but_last(event):
    return (event.bike,) if hasattr(event, "bike") else ()


def without_a_reason(dock, report):
    return [event_of(report), AnomalyFound("", report.at)]


def changes_the_dock(dock, message):
    object.__setattr__(dock, "jammed", False)
    object.__setattr__(dock, "bike", "B7")
    return handling()(dock, message)


# --- 3.4: where to draw the line ----------------------------------------------------

ORDER = ("bike", "station", "city")


def decided(case, measure):
    for boundary in ORDER:
        found = measure(boundary)
        if case.rule in found.rules and found.conflict_rate <= case.limit:
            return Decision(boundary, found.conflict_rate, False)
    return Decision("bike", measure("bike").conflict_rate, True)


def always(boundary, process=False):
    def decide(case, measure):
        return Decision(boundary, measure(boundary).conflict_rate, process)

    return decide


def by_the_rule(case, measure):
    for boundary in ORDER:
        found = measure(boundary)
        if case.rule in found.rules:
            return Decision(boundary, found.conflict_rate, False)
    raise AssertionError


def by_the_fewest_attempts(case, measure):
    found = {each: measure(each) for each in ORDER}
    inside = [each for each in ORDER if case.rule in found[each].rules]
    best = min(inside, key=lambda each: found[each].attempts)
    return Decision(best, found[best].conflict_rate, False)


def the_largest_that_can(case, measure):
    for boundary in ORDER[::-1]:
        found = measure(boundary)
        if case.rule in found.rules and found.conflict_rate <= case.limit:
            return Decision(boundary, found.conflict_rate, False)
    return decided(case, measure)


def a_station_and_a_process(case, measure):
    good = decided(case, measure)
    if good.needs_process:
        return Decision("station", measure("station").conflict_rate, True)
    return good


def always_a_process(case, measure):
    good = decided(case, measure)
    return Decision(good.boundary, good.conflict_rate, True)


def a_bit_over_the_limit(case, measure):
    for boundary in ORDER:
        found = measure(boundary)
        if case.rule in found.rules and found.conflict_rate <= 1.1 * case.limit:
            return Decision(boundary, found.conflict_rate, False)
    return decided(case, measure)


def well_under_the_limit(case, measure):
    for boundary in ORDER:
        found = measure(boundary)
        if case.rule in found.rules and found.conflict_rate <= 0.9 * case.limit:
            return Decision(boundary, found.conflict_rate, False)
    return Decision("bike", measure("bike").conflict_rate, True)


def under(limit_of):
    """Return an answer that is right but for what it takes for the limit."""

    def decide(case, measure):
        return decided(dataclasses.replace(case, limit=limit_of(case)), measure)

    return decide


def less_than_the_limit(case, measure):
    for boundary in ORDER:
        found = measure(boundary)
        if case.rule in found.rules and found.conflict_rate < case.limit:
            return Decision(boundary, found.conflict_rate, False)
    return Decision("bike", measure("bike").conflict_rate, True)


def a_bike_is_never_too_slow(case, measure):
    for boundary in ORDER:
        found = measure(boundary)
        fits = found.conflict_rate <= case.limit or boundary == "bike"
        if case.rule in found.rules and fits:
            return Decision(boundary, found.conflict_rate, False)
    return Decision("bike", measure("bike").conflict_rate, True)


def expected(case, boundary):
    count = {"city": 1, "station": case.stations, "bike": case.bikes}[boundary]
    crowding = Load(count, case.per_second, case.think).crowding
    return crowding / (1 + crowding)


def computed(case, measure):
    for boundary in ORDER:
        rate = expected(case, boundary)
        if case.rule in measure(boundary).rules and rate <= case.limit:
            return Decision(boundary, rate, False)
    return Decision("bike", expected(case, "bike"), True)


def by_the_formula_with_measured_numbers(case, measure):
    said = computed(case, measure)
    rate = measure(said.boundary).conflict_rate
    return Decision(said.boundary, rate, said.needs_process)


def telling(number):
    """Return an answer that chooses rightly and says another number."""

    def decide(case, measure):
        good = decided(case, measure)
        return Decision(
            good.boundary, number(measure(good.boundary)), good.needs_process
        )

    return decide


def of_the_city(case, measure):
    good = decided(case, measure)
    return Decision(good.boundary, measure("city").conflict_rate, good.needs_process)


class Agreeing(float):
    __slots__ = ()

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


class Town(str):
    __slots__ = ()

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def in_a_subclass(case, measure):
    """Right: it is by its letters that a boundary is told."""
    good = decided(case, measure)
    return Decision(Town(good.boundary), good.conflict_rate, good.needs_process)


def changes_its_case(case, measure):
    object.__setattr__(case, "limit", 1.0)
    return by_the_rule(case, measure)


# --- 3.5: charging columns ----------------------------------------------------------


class RightSite:
    """A site that is right, and of which the wrong ones are made."""

    def __init__(self, columns, limit):
        self.limit, self.uses = limit, {}

    def binding(self, now):
        return {c: u for c, u in self.uses.items() if u[2] is None or now < u[2]}

    def without_its_own(self, uses, car, column):
        use = uses.get(column)
        own = use is not None and use[0] == car and use[2] is not None
        return {c: u for c, u in uses.items() if not (own and c == column)}

    def check(self, uses, car, column, kw):
        self.check_column(uses, column)
        self.check_car(uses, car)
        self.check_sum(uses, kw)

    def check_column(self, uses, column):
        if column in uses:
            raise Refused(f"{column} is taken")

    def check_car(self, uses, car):
        if car in [who for who, _, _ in uses.values()]:
            raise Refused(f"{car} has a column")

    def check_sum(self, uses, kw):
        if self.sum(uses) + kw > self.limit:
            raise Refused("too much power")

    def sum(self, uses):
        return sum(kw for _, kw, _ in uses.values())

    def reserve(self, car, column, kw, now):
        uses = self.binding(now)
        self.check(uses, car, column, kw)
        self.uses = uses | {column: (car, kw, now + QUARTER)}

    def start(self, car, column, kw, now):
        uses = self.without_its_own(self.binding(now), car, column)
        self.check(uses, car, column, kw)
        self.uses = uses | {column: (car, kw, None)}

    def stop(self, car, now):
        mine = [
            c for c, (who, _, end) in self.uses.items() if (who, end) == (car, None)
        ]
        if not mine:
            raise Refused(f"{car} does not charge")
        self.uses.pop(mine[0])

    def unplugged(self, column, now):
        if self.uses.get(column, ("", 0, now))[2] is None:
            del self.uses[column]


class ByColumn:
    """Right: columns are objects of their own, inside the site."""

    def __init__(self, columns, limit):
        self.limit = limit
        self.columns = {
            name: SimpleNamespace(car=None, kw=0, until=None) for name in columns
        }

    def take(self, car, column, kw, until, now):
        for each in self.columns.values():
            if each.until is not None and each.until <= now:
                each.car, each.kw, each.until = None, 0, None
        here, others = self.columns[column], dict(self.columns)
        del others[column]
        own = until is None and here.car == car and here.until is not None
        if (here.car is not None and not own) or any(
            o.car == car for o in others.values()
        ):
            raise Refused("one car a column, one column a car")
        if sum(each.kw for each in others.values()) + kw > self.limit:
            raise Refused("too much power")
        here.car, here.kw, here.until = car, kw, until

    def reserve(self, car, column, kw, now):
        self.take(car, column, kw, now + QUARTER, now)

    def start(self, car, column, kw, now):
        self.take(car, column, kw, None, now)

    def stop(self, car, now):
        for column in self.columns.values():
            if column.car == car and column.until is None:
                column.car, column.kw = None, 0
                return
        raise Refused(f"{car} does not charge")

    def unplugged(self, column, now):
        here = self.columns[column]
        if here.until is None:
            here.car, here.kw = None, 0


class EachColumnAlone(RightSite):
    def check_sum(self, uses, kw):
        if kw > self.limit:
            raise Refused("too much power")


class CountsWhatFlows(RightSite):
    def sum(self, uses):
        return sum(kw for _, kw, until in uses.values() if until is None)


class SumsWhatHasLapsed(RightSite):
    def reserve(self, car, column, kw, now):
        self.check_sum(self.uses, kw)
        super().reserve(car, column, kw, now)

    def start(self, car, column, kw, now):
        self.check_sum(self.without_its_own(self.uses, car, column), kw)
        super().start(car, column, kw, now)


class KeepsForever(RightSite):
    def binding(self, now):
        return dict(self.uses)


class KeepsByATimer(KeepsForever):
    def reserve(self, car, column, kw, now):
        super().reserve(car, column, kw, now)
        loop = asyncio.get_running_loop()
        loop.call_later(QUARTER.total_seconds(), self.uses.pop, column, None)


class KeepsForFiveMinutes(RightSite):
    def binding(self, now):
        return super().binding(now + TEN)


class FirstCome(RightSite):
    def check_column(self, uses, column):
        if column in uses and uses[column][2] is None:
            raise Refused(f"{column} is taken")


class TwoPlugs(RightSite):
    def check_column(self, uses, column):
        pass


class TwoPlaces(RightSite):
    def check_car(self, uses, car):
        pass


class CountsItsOwnTwice(RightSite):
    def start(self, car, column, kw, now):
        self.check_sum(self.binding(now), kw)
        super().start(car, column, kw, now)


class KeepsARunningTotal(RightSite):
    """The sum is kept beside the uses, and not everybody thinks of it."""

    def __init__(self, columns, limit):
        super().__init__(columns, limit)
        self.forgotten = 0

    def sum(self, uses):
        return super().sum(uses) + self.forgotten


class StopsHalf(KeepsARunningTotal):
    def stop(self, car, now):
        before = super().sum(self.uses)
        super().stop(car, now)
        self.forgotten += before - super().sum(self.uses)


class UnplugsHalf(KeepsARunningTotal):
    def unplugged(self, column, now):
        before = super().sum(self.uses)
        super().unplugged(column, now)
        self.forgotten += before - super().sum(self.uses)


class RefusesReports(RightSite):
    def unplugged(self, column, now):
        if column not in self.uses:
            raise Refused(f"nobody charges at {column}")
        del self.uses[column]


class StumblesOverReports(RightSite):
    def unplugged(self, column, now):
        del self.uses[column]


class IgnoresReports(RightSite):
    def unplugged(self, column, now):
        pass


class StopsAnything(RightSite):
    def stop(self, car, now):
        self.uses = {c: use for c, use in self.uses.items() if use[0] != car}


class UsesOfTheClass(RightSite):
    uses: ClassVar = {}

    def __init__(self, columns, limit):
        self.limit = limit

    def reserve(self, car, column, kw, now):
        uses = self.binding(now)
        self.check(uses, car, column, kw)
        type(self).uses = uses | {column: (car, kw, now + QUARTER)}

    def start(self, car, column, kw, now):
        uses = self.without_its_own(self.binding(now), car, column)
        self.check(uses, car, column, kw)
        type(self).uses = uses | {column: (car, kw, None)}


class ConnectsThenCounts(RightSite):
    def reserve(self, car, column, kw, now):
        self.uses = self.binding(now)
        self.check_column(self.uses, column)
        self.check_car(self.uses, car)
        self.uses[column] = (car, kw, now + QUARTER)
        self.check_sum(self.uses, 0)


class NeverStops(RightSite):
    def stop(self, car, now):
        raise Refused("not now")


class StartsForgettingIt(RightSite):
    def start(self, car, column, kw, now):
        self.uses = self.without_its_own(self.binding(now), car, column)
        super().start(car, column, kw, now)


class ChargesWhatWasReserved(RightSite):
    """Whoever starts with less keeps all the power that was reserved."""

    def start(self, car, column, kw, now):
        reserved = self.binding(now).get(column, ("", 0, now))
        super().start(car, column, kw, now)
        if reserved[0] == car:
            self.uses[column] = (car, max(kw, reserved[1]), None)


class StopsReservationsToo(RightSite):
    def stop(self, car, now):
        super().stop(car, now)
        self.uses = {c: use for c, use in self.uses.items() if use[2] is None}


class UnplugsReservationsToo(RightSite):
    def unplugged(self, column, now):
        super().unplugged(column, now)
        self.uses = {c: use for c, use in self.uses.items() if use[2] is None}


class KeepsAgainThenRefuses(RightSite):
    def reserve(self, car, column, kw, now):
        whose, power, until = self.binding(now).get(column, ("", 0, None))
        if whose == car and until is not None:
            self.uses[column] = (car, power, now + QUARTER)
        super().reserve(car, column, kw, now)


def keeps_the(choose):
    """Refuse whoever reserves again, and keep the one or the other power for it."""

    class KeepsAnother(RightSite):
        def reserve(self, car, column, kw, now):
            whose, power, until = self.binding(now).get(column, ("", 0, None))
            if whose == car and until is not None:
                self.uses[column] = (car, choose(power, kw), until)
            super().reserve(car, column, kw, now)

    return KeepsAnother


class ChargesThenRefuses(RightSite):
    def start(self, car, column, kw, now):
        whose, power, until = self.binding(now).get(column, ("", 0, None))
        uses = self.without_its_own(self.binding(now), car, column)
        if whose == car and until is not None:
            self.uses[column] = (car, power, None)
        self.check(uses, car, column, kw)
        self.uses = uses | {column: (car, kw, None)}


class KeepsAgain(RightSite):
    def reserve(self, car, column, kw, now):
        uses = self.without_its_own(self.binding(now), car, column)
        self.check(uses, car, column, kw)
        self.uses = uses | {column: (car, kw, now + QUARTER)}


class StartsAgain(RightSite):
    def without_its_own(self, uses, car, column):
        return {c: u for c, u in uses.items() if (c, u[0]) != (column, car)}


def keeping_for(minutes):
    class Keeping(RightSite):
        def reserve(self, car, column, kw, now):
            super().reserve(car, column, kw, now)
            self.uses[column] = (car, kw, now + timedelta(minutes=minutes))

    return Keeping


class KeepsTheEndToo(RightSite):
    def binding(self, now):
        return super().binding(now - timedelta.resolution)


class KeepsBySeconds(RightSite):
    def binding(self, now):
        return {
            column: (car, kw, until)
            for column, (car, kw, until) in self.uses.items()
            if until is None or (now - until + QUARTER).seconds < QUARTER.seconds
        }


class KeepsByHours(RightSite):
    def binding(self, now):
        return {
            column: (car, kw, until)
            for column, (car, kw, until) in self.uses.items()
            if until is None or now.time() < until.time()
        }


WRONG = [
    ("3.1", by_the_float, "float"),
    ("3.1", cents_by_the_float, "float"),
    ("3.1", parts_of_a_cent, "parts-of-a-cent"),
    ("3.1", rounded_down, "rest-lost"),
    ("3.1", rounded, "rounds-each"),
    ("3.1", rounded_by_python, "rounds-each"),
    ("3.1", the_last_pays_the_rest, "rest-on-one"),
    ("3.1", the_first_two_pay_the_rest, "uneven"),
    ("3.1", in_euros, "another-currency"),
    ("3.1", adds_to_euros, "another-currency"),
    ("3.1", through_a_float, "float-inside"),
    ("3.1", pays_all, "wrong-sum"),
    ("3.1", for_one, "wrong-number"),
    ("3.1", changes_the_fare, "wrong-sum"),
    ("3.1", of_another_kind, "garbage"),
    ("3.1", forged, "garbage"),
    ("3.1", as_a_generator, "garbage"),
    ("3.2", Scattered, "dock-ignores-promises"),
    ("3.2", NeverLapses, "never-lapses"),
    ("3.2", LapsesByATimer, "timer"),
    ("3.2", LapsesByATask, "timer"),
    ("3.2", LapsesAfterAMinute, "lapses-early"),
    ("3.2", AsksAnotherClock, "never-lapses"),
    ("3.2", DockLooksAtBikesAlone, "dock-ignores-promises"),
    ("3.2", PromisesTwice, "promised-twice"),
    ("3.2", PromisesWhatIsGone, "gives-what-is-gone"),
    ("3.2", PromisesARiderTwo, "rider-has-two"),
    ("3.2", LetsARiderHaveTwo, "rider-has-two"),
    ("3.2", ForgetsHerPromise, "promise-not-kept"),
    ("3.2", ComparesTheRider, "bike-not-compared"),
    ("3.2", ComparesTheBike, "rider-not-compared"),
    ("3.2", TakesAnythingBack, "takes-back-what-is-here"),
    ("3.2", LosesBikes, "turns-away"),
    ("3.2", KeepsWhatIsGivenBack, "turns-away"),
    ("3.2", OfTheClass, "remembers-elsewhere"),
    ("3.2", OfTheModule, "remembers-elsewhere"),
    ("3.2", OfADefault, "remembers-elsewhere"),
    ("3.2", of_a_closure, "remembers-elsewhere"),
    ("3.2", PromisesThenLooks, "changed-by-refusal"),
    ("3.2", TakesThenLooks, "changed-by-refusal"),
    ("3.2", ReturnsNone, "refuses-by-a-value"),
    ("3.2", ReturnsNothing, "garbage"),
    ("3.2", RaisesAnotherError, "raises"),
    ("3.2", HasNoWalkUp, "no-method"),
    ("3.2", TakesNoTime, "wrong-signature"),
    ("3.2", Awaits, "async-where-sync"),
    ("3.2", Yields, "yields"),
    ("3.2", Loops, "never-returns"),
    ("3.2", CannotBeCopied, "cannot-be-saved"),
    ("3.2", IsAList, "cannot-be-saved"),
    ("3.2", HidesItsMethods, "raises"),
    ("3.2", EndsTheKernel, "raises"),
    ("3.2", SaysNothingOfItself, "garbage"),
    ("3.2", dict, "raises"),
    ("3.2", PromisesForGood, "promise-outlives-its-ride"),
    ("3.2", ForgetsAllPromises, "ends-too-much"),
    ("3.2", ForgetsTheOthers, "ends-too-much"),
    ("3.2", ForgetsTheOthersLastFirst, "ends-too-much"),
    ("3.2", TakesForgettingAll, "rider-has-two"),
    ("3.2", RenewsThenRefuses, "changed-by-refusal"),
    ("3.2", PromisesTheEndToo, "lapses-late"),
    ("3.2", ComparesSeconds, "binds-again"),
    ("3.2", ComparesHours, "binds-again"),
    ("3.3", validates, "refuses-reports"),
    ("3.3", handling(late=refuse), "refuses-reports"),
    ("3.3", handling(late=nothing), "drops-the-late"),
    ("3.3", handling(late=believe), "believes-what-came-last"),
    ("3.3", handling(late=unlock), "wrong-event"),
    ("3.3", handling(odd=believe), "swallows-contradictions"),
    ("3.3", handling(odd=only_wonder), "keeps-its-belief"),
    ("3.3", handling(odd=nothing), "drops-reports"),
    ("3.3", handling(odd=says_it_otherwise), "wrong-event"),
    ("3.3", handling(even=of_no_bike), "wrong-event"),
    ("3.3", handling(odd=of_the_known_bike), "wrong-event"),
    ("3.3", handling(odd=lets_go_first), "wrong-event"),
    ("3.3", handling(even=believe_twice), "wrong-event"),
    ("3.3", wondering(if_empty), "swallows-contradictions"),
    ("3.3", wondering(if_ever_known), "swallows-contradictions"),
    ("3.3", handling(odd=lambda d, m: believe_and_wonder(d, m)[::-1]), "wonders-first"),
    (
        "3.3",
        handling(odd=lambda d, m: believe_and_wonder(d, m) + wonder(m)),
        "wonders-twice",
    ),
    ("3.3", handling(late=wonder_twice), "wonders-twice"),
    ("3.3", told_by_the_time, "drops-reports"),
    ("3.3", handling(even=believe_and_wonder), "cries-wolf"),
    ("3.3", handling(again=believe), "told-twice"),
    ("3.3", handling(again=refuse), "refuses-reports"),
    ("3.3", remembers_by_itself, "told-twice"),
    ("3.3", handling(forbidden=only_wonder), "anomaly-for-a-refusal"),
    ("3.3", handling(forbidden=nothing), "refuses-in-silence"),
    ("3.3", handling(forbidden=lambda d, m: unlock(Dock("B7"), m)), "never-refuses"),
    ("3.3", handling(asked=refuse), "turns-away"),
    ("3.3", handling(asked=nothing), "wrong-event"),
    (
        "3.3",
        handling(asked=lambda d, m: [*unlock(d, m), *wonder(m)]),
        "accepts-and-wonders",
    ),
    ("3.3", handling(even=at_another_time), "another-time"),
    ("3.3", handling(odd=without_a_reason), "garbage"),
    ("3.3", handling(even=lambda d, m: None), "garbage"),
    ("3.3", handling(even=lambda d, m: ["docked"]), "garbage"),
    ("3.3", handling(even=raising(KeyError("B7"))), "raises"),
    ("3.3", handling(asked=raising(ValueError("no"))), "raises"),
    ("3.3", changes_the_dock, "cries-wolf"),
    ("3.4", always("bike"), "always-smallest"),
    ("3.4", always("city"), "always-largest"),
    ("3.4", always("station"), "rule-ignored"),
    ("3.4", always("bike", process=True), "always-smallest"),
    ("3.4", by_the_rule, "limit-ignored"),
    ("3.4", by_the_fewest_attempts, "limit-ignored"),
    ("3.4", a_bit_over_the_limit, "limit-ignored"),
    ("3.4", by_the_formula_with_measured_numbers, "limit-ignored"),
    ("3.4", well_under_the_limit, "process-for-nothing"),
    ("3.4", less_than_the_limit, "process-for-nothing"),
    ("3.4", a_bike_is_never_too_slow, "limit-ignored"),
    ("3.4", under(lambda case: case.limit * 1.03), "limit-ignored"),
    ("3.4", under(lambda case: 0.07), "process-for-nothing"),
    ("3.4", under(lambda case: 0.08), "process-for-nothing"),
    ("3.4", under(lambda case: 0.09), "process-for-nothing"),
    ("3.4", under(lambda case: 0.1), "process-for-nothing"),
    ("3.4", always_a_process, "process-for-nothing"),
    ("3.4", a_station_and_a_process, "large-beside-a-process"),
    ("3.4", the_largest_that_can, "larger-than-needed"),
    ("3.4", computed, "computed"),
    ("3.4", telling(lambda found: 100 * found.conflict_rate), "percent"),
    ("3.4", telling(lambda found: found.attempts), "counts-attempts"),
    ("3.4", telling(lambda found: found.conflicts), "counts-conflicts"),
    ("3.4", telling(lambda f: f.conflicts / (f.attempts - f.conflicts)), "per-command"),
    ("3.4", telling(lambda found: 0.123), "invented-numbers"),
    ("3.4", telling(lambda found: Agreeing(0.1)), "garbage"),
    ("3.4", telling(lambda found: float("nan")), "garbage"),
    ("3.4", of_the_city, "of-another-boundary"),
    ("3.4", lambda case, measure: ("bike", 0.1, True), "garbage"),
    ("3.4", lambda case, measure: Decision(Town("town"), 0.1, True), "garbage"),
    ("3.4", lambda case, measure: Decision(["bike"], 0.1, True), "garbage"),
    ("3.4", lambda case, measure: Decision("bike", 0.1, 1), "garbage"),
    ("3.4", lambda case, measure: measure("town"), "raises"),
    ("3.4", changes_its_case, "limit-ignored"),
    ("3.5", EachColumnAlone, "sum-ignored"),
    ("3.5", CountsWhatFlows, "reserved-power-ignored"),
    ("3.5", SumsWhatHasLapsed, "lapsed-power-counts"),
    ("3.5", KeepsForever, "never-lapses"),
    ("3.5", KeepsByATimer, "timer"),
    ("3.5", KeepsForFiveMinutes, "lapses-early"),
    ("3.5", FirstCome, "reservation-ignored"),
    ("3.5", TwoPlugs, "column-given-twice"),
    ("3.5", TwoPlaces, "car-in-two-places"),
    ("3.5", CountsItsOwnTwice, "counts-its-own-twice"),
    ("3.5", StopsHalf, "stop-frees-half"),
    ("3.5", UnplugsHalf, "report-ignored"),
    ("3.5", IgnoresReports, "report-ignored"),
    ("3.5", RefusesReports, "report-refused"),
    ("3.5", StumblesOverReports, "report-refused"),
    ("3.5", StopsAnything, "stops-what-is-not-there"),
    ("3.5", UsesOfTheClass, "remembers-elsewhere"),
    ("3.5", ConnectsThenCounts, "changed-by-refusal"),
    ("3.5", NeverStops, "turns-away"),
    ("3.5", StartsForgettingIt, "changed-by-refusal"),
    ("3.5", ChargesWhatWasReserved, "reserved-power-stays"),
    ("3.5", StopsReservationsToo, "ends-too-much"),
    ("3.5", UnplugsReservationsToo, "ends-too-much"),
    ("3.5", KeepsAgainThenRefuses, "changed-by-refusal"),
    ("3.5", keeps_the(min), "changed-by-refusal"),
    ("3.5", keeps_the(max), "changed-by-refusal"),
    ("3.5", ChargesThenRefuses, "changed-by-refusal"),
    ("3.5", KeepsAgain, "car-in-two-places"),
    ("3.5", StartsAgain, "column-given-twice"),
    ("3.5", KeepsTheEndToo, "lapses-late"),
    ("3.5", KeepsBySeconds, "binds-again"),
    ("3.5", KeepsByHours, "binds-again"),
]
RIGHT = [
    ("3.1", one_after_the_other),
    ("3.1", in_a_tuple),
    ("3.2", Right),
    ("3.2", LastFirst),
    ("3.2", AtRandom),
    ("3.2", OneDictionary),
    ("3.2", Slotted),
    ("3.2", KeepsAMethod),
    ("3.2", of_methods),
    ("3.3", handling()),
    ("3.3", wonders_more),
    ("3.3", wonders_wherever_it_may),
    ("3.3", takes_it_out_first),
    ("3.4", decided),
    ("3.4", in_a_subclass),
    ("3.5", RightSite),
    ("3.5", ByColumn),
]


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer"), RIGHT)
def test_another_right_answer_passes_too(exercise_id, answer):
    verdict = check(exercise_id, answer)
    assert verdict.passed, verdict


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), WRONG)
def test_a_wrong_answer_is_rejected_for_its_own_reason(
    exercise_id, answer, misconception
):
    verdict = checked(exercise_id, answer)
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert verdict.message.endswith(".")
    assert "Traceback" not in repr(verdict) + verdict._repr_html_()


MINUTES = [("3.2", promising_for(n), 10, n) for n in (8, 9, 9.5, 9.9, 10.1, 10.2)]
MINUTES += [
    ("3.5", keeping_for(n), 15, n) for n in (12, 13, 14, 14.5, 15.1, 15.2, 15.5)
]


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "right", "minutes"), MINUTES)
def test_minutes_are_told_from_almost_so_many(exercise_id, answer, right, minutes):
    verdict = check(exercise_id, answer)
    assert verdict.misconception == (
        "lapses-early" if minutes < right else "lapses-late"
    )


@pytest.mark.slow
def test_what_a_report_raised_is_told_with_its_line():
    verdict = checked("3.5", StumblesOverReports)
    assert "`Site.unplugged` raised KeyError: 'A" in verdict.message
    assert "(in `unplugged`, its line: `del self.uses[column]`)" in verdict.message


DOMAINS = {"3.2": stand.DOMAIN, "3.5": site.DOMAIN}
NO_RUN = {"raises", "garbage", "no-method", "wrong-signature", "async-where-sync"}
NO_RUN |= {"yields", "never-returns", "cannot-be-saved", "another-time"}


def attempted(exercise_id, answer):
    """Return what runs one seed, and what tells all its parts."""
    judged, memory = Answer(answer, EXERCISES[exercise_id].call), Memory(answer)
    if exercise_id == "3.3":
        return lambda seed, left: told.attempt(judged, memory, seed, left), _items
    domain = DOMAINS[exercise_id]
    return (
        lambda seed, left: turns.attempt(judged, domain, memory, seed, left),
        lambda seed: _parts(domain, seed),
    )


def _items(seed):
    for item in told.plan(seed):
        yield from (f"{item.number}", f"{item.number} {item.fate}")


def _parts(domain, seed):
    for turn in domain.plan(seed).turns:
        yield from turn.parts
    yield f"{domain.service}:crash#1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exercise_id", "answer", "misconception"),
    [wrong for wrong in WRONG if wrong[0] in {"3.2", "3.3", "3.5"}],
)
def test_nothing_can_be_left_out_of_a_counterexample(
    exercise_id, answer, misconception
):
    """Without any one of its parts, the run no longer shows this misconception."""
    recording = checked(exercise_id, answer).counterexample
    if misconception in NO_RUN:
        return
    run, parts_of = attempted(exercise_id, answer)
    trial = shrunk(run, run(recording.seed, ()))
    assert trial.recording.to_json() == recording.to_json()
    left_out = set(parts_of(recording.seed)) - set(trial.parts)
    again = run(recording.seed, left_out)
    assert (again.reason, again.parts) == (misconception, trial.parts)
    for part in trial.parts:
        assert run(recording.seed, left_out | {part}).reason != misconception


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), WRONG[::9])
def test_the_same_answer_gets_the_same_verdict_and_the_same_run(
    exercise_id, answer, misconception
):
    first, second = checked(exercise_id, answer), check(exercise_id, answer)
    assert first == second
    if first.counterexample is not None:
        assert first.counterexample.to_json() == second.counterexample.to_json()


AGAIN = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.check import test_ch03
for number in map(int, sys.argv[2].split(",")):
    exercise_id, answer, _ = test_ch03.WRONG[number]
    print(test_ch03.check(exercise_id, answer))
"""


def said_under(hash_seed, numbers, folder):
    progress = str(folder / f"{hash_seed}.json")
    return subprocess.run(
        [sys.executable, "-c", AGAIN, str(REPOSITORY), ",".join(map(str, numbers))],
        env=os.environ
        | {"PYTHONHASHSEED": hash_seed, "MOVINGPARTS_PROGRESS": progress},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.slow
def test_verdicts_do_not_depend_on_the_order_of_sets(tmp_path):
    numbers = [n for n, (_, _, why) in enumerate(WRONG) if why != "raises"][::11]
    said = said_under("1", numbers, tmp_path)
    assert said.count("not yet") == len(numbers)
    assert said == said_under("4711", numbers, tmp_path)


# --- what else they promise ---------------------------------------------------------


@pytest.mark.slow
def test_a_class_that_has_begun_is_still_to_do_until_each_method_is_there():
    verdict = check("3.2", NotBegun)
    assert (verdict.state, verdict.message) == ("still to do", "Exercise 3.2: later")


@pytest.mark.slow
def test_what_a_class_remembers_is_put_back_after_a_check():
    assert not OfTheClass.promised
    assert not UsesOfTheClass.uses
    checked("3.2", OfTheClass)
    checked("3.5", UsesOfTheClass)
    assert not OfTheClass.promised
    assert not UsesOfTheClass.uses
    assert not GONE
    assert not HEARD


def test_data_among_three_handlers_gives_a_promised_bike_away():
    now = datetime(2031, 5, 5, 8, tzinfo=UTC)
    scattered = Scattered(["bike-1", "bike-2"])
    assert scattered.reserve("ada", now) == "bike-1"
    assert scattered.reserve("bob", now) == "bike-2"
    with pytest.raises(Refused, match="left to promise"):
        scattered.reserve("cleo", now)
    assert scattered.walk_up("bob", now) == "bike-2"
    assert scattered.walk_up("cleo", now) == "bike-1"
    with pytest.raises(Refused, match="no bike stands here"):
        scattered.walk_up("ada", now)
    scattered.give_back("ada", "bike-1", now)
    with pytest.raises(Refused, match="nobody has"):
        scattered.give_back("cleo", "bike-1", now)
    assert scattered.reserve("ada", now + TEN) == "bike-1"


def test_stories_of_a_dock_have_reports_of_each_fate_and_commands():
    items = [item for seed in told.SEEDS for item in told.plan(seed)]
    assert {"", "lost", "late", "twice"} == {item.fate for item in items}
    kinds = {"docked", "taken", "jammed", "mended", "unlock"}
    assert kinds == {item.what for item in items}


def test_a_dock_can_report_two_things_of_one_time():
    at = datetime(2031, 5, 5, 8, tzinfo=UTC)
    dock, both = Dock(), [Docked("B7", at), Jammed(at)]
    assert not any(dock.after(BikeDocked("B7", at)).is_late(report) for report in both)
    said = {(round(item.at), item.what) for item in told.plan(told.SEEDS[-1])}
    assert said == {(2, "docked"), (2, "jammed")}


def test_the_three_cities_that_ask_want_three_different_things():
    wanted = [boundaries.right(case) for case in CASES]
    assert [("station", False), ("bike", True), ("city", False)] == [
        (decision.boundary, decision.needs_process) for decision in wanted
    ]


def test_a_limit_may_be_reached_and_not_be_passed():
    """One city's rate is its limit to the bit, another's is one percent more."""
    cases = {case.name: case for case in boundaries._cases()}
    mole = cases["North Mole"]
    assert mole.limit == boundaries.measure(mole, "station").conflict_rate
    assert boundaries.right(mole) == Decision("station", mole.limit, False)
    assert boundaries.right(cases["South Mole"]).needs_process
    assert 1.005 < mole.limit / cases["South Mole"].limit < 1.015
    assert boundaries.right(cases["New Mill"]).needs_process


def test_a_boundary_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="bike, station, city; got 'dock'"):
        boundaries.measure(CASES[0], "dock")


def test_what_is_measured_is_measured_once_and_the_same_again():
    first = boundaries.measure(CASES[0], "station")
    assert first == boundaries.measure(CASES[0], "station")
    assert "too late" in repr(first)
    with pytest.raises(FrozenInstanceError):
        first.attempts = 1


class Plain:
    def __init__(self, **values):
        vars(self).update(values)


@pytest.mark.parametrize(
    ("values", "seen"),
    [({"bikes": ["B7"]}, "bikes"), ({"inner": Plain(bikes=["B7"])}, "inner"), ({}, "")],
)
def test_what_is_saved_shares_nothing_with_what_it_was_saved_from(values, seen):
    thing = Plain(**values)
    copy = turns.saved(thing)
    assert (type(copy), set(vars(copy))) == (Plain, set(values))
    if seen:
        assert getattr(copy, seen) is not getattr(thing, seen)


def test_commands_that_are_left_out_leave_the_others_as_they_are():
    one, two, three = (turns.Command("reserve", (n,), f"command 1.{n}") for n in "012")
    turn = turns.Turn(5.0, 0.5, (one, two, three))
    assert turn.parts == ("command 1.0", "command 1.1", "command 1.2", turn.together)
    assert turn.caller == "desk"
    [left] = turn.without({"command 1.0"})
    assert (left.commands, left.together) == ((two, three), turn.together)
    apart = turn.without({turn.together, "command 1.1"})
    assert [(each.at, each.caller) for each in apart] == [(5.0, "0"), (8.0, "2")]
    assert turn.without({one.key, two.key, three.key}) == []
