"""Exercise 3.5: charging columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from movingparts.check.answer import Answer, Call
from movingparts.check.ch03.turns import (
    NEVER_LAPSES,
    POWER_NEVER_LAPSES,
    TURNS_AWAY,
    Command,
    Domain,
    Outcome,
    Plan,
    Turn,
    scripted,
    searched,
)
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.verdict import Complaint
from movingparts.world.core.random import Random, stream

DRAWN = 60  # runs that are left to chance; some that are not come after them
CRASHES, LISTS = 20, 40  # seeds from which services crash, and desks work off lists
KEPT_FOR = timedelta(minutes=15)
ALWAYS = datetime.min.replace(tzinfo=UTC)  # before all ends: nothing has lapsed
COLUMNS, CARS, KILOWATTS = ("A1", "A2", "A3"), ("car-1", "car-2", "car-3"), (7, 11, 22)
GAPS = (0.4, 0.4, 0.4, 60.0, 500.0, 1_020.0)  # seconds between turns: soon, or too late


@dataclass(frozen=True, slots=True)
class Use:
    """What a car has of a site: a column and power, reserved until then or charging."""

    car: str
    column: str
    kw: int
    until: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Say whether it still binds."""
        return self.until is None or now < self.until

    def __str__(self) -> str:
        what = "charges" if self.until is None else f"until {self.until:%H:%M:%S} has"
        return f"{self.car} {what} {self.kw} kW at {self.column}"


# Why a command may be refused, in the order in which it is asked.
CHARGING, RESERVED, ELSEWHERE, POWER, KEPT_POWER = range(1, 6)
WHY = {
    CHARGING: (
        "column-given-twice",
        "There is one plug: a column charges one car at a time.",
    ),
    RESERVED: (
        "reservation-ignored",
        "What is reserved for one car is refused to the others, whoever comes first.",
    ),
    ELSEWHERE: ("car-in-two-places", "A car has one column at most."),
    POWER: (
        "sum-ignored",
        "Each column may be right by itself; the limit is on all of them together.",
    ),
    KEPT_POWER: (
        "reserved-power-ignored",
        "A reservation keeps power too: it is promised, though nothing flows yet.",
    ),
}


class Books:
    """Who charges and who has reserved; what must hold for each command."""

    def __init__(self, columns: list[str], limit: int) -> None:
        self._limit = limit
        self._uses: list[Use] = []
        self._replaced: list[Use] = []
        self._stopped: list[Use] = []
        self._unplugged: list[Use] = []

    def judge(
        self, command: Command, outcome: Outcome, now: datetime
    ) -> Complaint | None:
        """Return what is wrong with an outcome, or take it into account."""
        if command.method == "unplugged":
            return self._told(command, outcome)
        if command.method == "stop":
            return self._stop(command, outcome)
        why = self._forbids(command, self._uses, now)
        if outcome.refused:
            return None if why else self._refused(command, now)
        if why:
            return self._broken(command, why, now)
        car, column, kw = command.arguments
        until = now + KEPT_FOR if command.method == "reserve" else None
        new = Use(car, column, kw, until)
        others = [use for use in self._uses if use.car != car]
        own = [use for use in self._uses if use.car == car and use.is_active(now)]
        self._replaced = [*(use for use in self._replaced if use.car != car), *own]
        self._uses = [*(use for use in others if use.column != column), new]
        return None

    def _forbids(self, command: Command, uses: Sequence[Use], now: datetime) -> int:
        """Return why a command is to be refused; 0 if nothing speaks against it."""
        car, column, kw = command.arguments
        others = [use for use in uses if use.is_active(now)]
        if command.method == "start":  # it takes the place of what the car has reserved
            own = [use for use in others if use.until and use.car == car]
            others = [use for use in others if use not in own or use.column != column]
        here = [use for use in others if use.column == column]
        if any(use.until is None for use in here):
            return CHARGING
        if any(use.car != car for use in here):
            return RESERVED
        if any(use.car == car for use in others):
            return ELSEWHERE
        if sum(use.kw for use in others if use.until is None) + kw > self._limit:
            return POWER
        if sum(use.kw for use in others) + kw > self._limit:
            return KEPT_POWER
        return 0

    def _broken(self, command: Command, why: int, now: datetime) -> Complaint:
        misconception, what = WHY[why]
        text = (
            f"`{command}` was not refused, and {_listed(self._uses, now)}; the limit is"
            f" {self._limit} kW. {what}"
        )
        return Complaint(misconception, text)

    def _refused(self, command: Command, now: datetime) -> Complaint:
        """Return what is wrong with a refusal: what it may have counted in."""
        text = (
            f"`{command}` was refused, and {_listed(self._uses, now)}; the limit is"
            f" {self._limit} kW, so nothing speaks against it."
        )
        if self._forbids(command, self._uses, ALWAYS):
            power = sum(use.kw for use in self._uses) + command.arguments[2]
            if power > self._limit:  # a column's refusal would show without that
                text += " What was reserved has lapsed, and its power is free again."
                return Complaint(POWER_NEVER_LAPSES, text, rank=2)
            text += " What was reserved has lapsed by itself."
            return Complaint(NEVER_LAPSES, text, rank=1)
        for gone, misconception, what in (
            (self._stopped, "stop-frees-half", "stopped"),
            (self._unplugged, "report-ignored", "was unplugged"),
        ):
            if self._forbids(command, [*self._uses, *gone], now):
                text += f" {gone[-1].car} {what}: column, car and power are free again."
                return Complaint(misconception, text, rank=1)
        car, column, kw = command.arguments
        uses = [use for use in self._uses if use.is_active(now)]
        own = [use for use in uses if use.car == car and use.column == column]
        if own and sum(use.kw for use in uses) + kw > self._limit:
            text += f" The {own[0].kw} kW that it has reserved are a part of that."
            return Complaint("counts-its-own-twice", text, rank=1)
        if sum(use.kw for use in [*uses, *self._replaced]) + kw > self._limit:
            started = " and ".join(
                f"{use.car} had reserved {use.kw} kW" for use in self._replaced
            )
            text += f" {started}; a start takes the place of that, power and all."
            return Complaint("reserved-power-stays", text, rank=1)
        return Complaint(TURNS_AWAY, text, rank=1)

    def _stop(self, command: Command, outcome: Outcome) -> Complaint | None:
        [car] = command.arguments
        own = [use for use in self._uses if use.car == car and use.until is None]
        if own and outcome.refused:
            text = f"`{command}` was refused, and {own[0]}."
            return Complaint(TURNS_AWAY, text, rank=1)
        if not own and not outcome.refused:
            text = f"`{command}` was not refused, and {car} does not charge."
            return Complaint("stops-what-is-not-there", text)
        self._uses = [use for use in self._uses if use not in own]
        self._replaced = [use for use in self._replaced if use.car != car]
        self._stopped = own or self._stopped
        return None

    def _told(self, command: Command, outcome: Outcome) -> Complaint | None:
        [column] = command.arguments
        here = [use for use in self._uses if use.column == column and use.until is None]
        if outcome.refused:
            known = str(here[0]) if here else f"nobody charges at {column}"
            what = outcome.raised or f"`{command}` raised `Refused`."
            text = (
                f"{what} By what is known {known}. The column tells what has happened:"
                " the cable is out, whatever the site believes."
            )
            return Complaint("report-refused", text)
        self._uses = [use for use in self._uses if use not in here]
        gone = {use.car for use in here}
        self._replaced = [use for use in self._replaced if use.car not in gone]
        self._unplugged = here or self._unplugged
        return None


def _listed(uses: Sequence[Use], now: datetime) -> str:
    active = [str(use) for use in uses if use.is_active(now)]
    return " and ".join(active) or "nobody charges"


# --- what is tried --------------------------------------------------------------------


def plan(seed: int) -> Plan:
    """Return who comes when, and what they want; later seeds have more of it."""
    if seed >= DRAWN:
        return SCRIPTED[seed - DRAWN]
    rng = stream(seed, "site")
    columns = list(COLUMNS[: 2 + rng.randrange(2)])
    turns, at = [], 1.0
    for number in range(3 + seed // 8):
        at += rng.choice(GAPS) * (0.9 + 0.2 * rng.random())
        several = 1 + rng.randrange(3) if seed >= LISTS else 1
        commands = tuple(
            _command(rng, columns, f"command {number}.{n}") for n in range(several)
        )
        turns.append(Turn(at, 0.2 + rng.random(), commands))
    crash_at = at * rng.random() if seed >= CRASHES and seed % 2 else None
    return Plan((columns, rng.choice((22, 29))), tuple(turns), crash_at)


def _command(rng: Random, columns: list[str], key: str) -> Command:
    methods = ("start", "start", "start", "reserve", "reserve", "stop", "unplugged")
    method, car, column = rng.choice(methods), rng.choice(CARS), rng.choice(columns)
    if method == "unplugged":
        return Command(method, (column,), key, is_report=True)
    if method == "stop":
        return Command(method, (car,), key)
    return Command(method, (car, column, rng.choice(KILOWATTS)), key)


SITE_OF_TWO, SITE_OF_THREE = (["A1", "A2"], 29), (["A1", "A2", "A3"], 29)
FULL = (0.0, "reserve car-1 A1 22")
SCRIPTED = (
    # Who is refused a start keeps what is reserved, and does not charge.
    scripted(
        SITE_OF_TWO,
        (0.0, "start car-1 A1 7"),
        (5.0, "reserve car-2 A2 22"),
        (5.0, "start car-2 A2 29", "stop car-1"),
        (5.0, "start car-3 A2 7"),
        (5.0, "stop car-2"),
    ),
    # A start takes the place of what is reserved, power and all.
    scripted(SITE_OF_TWO, FULL, (5.0, "start car-1 A1 7"), (5.0, "start car-2 A2 22")),
    # Who ends a use leaves the others theirs.
    *(
        scripted(
            SITE_OF_TWO,
            FULL,
            (5.0, "start car-2 A2 7"),
            (5.0, end),
            (5.0, "start car-3 A1 7"),
        )
        for end in ("stop car-2", "unplugged A2")
    ),
    # Who is refused a second reservation keeps the first, and it lapses as before.
    scripted(
        SITE_OF_TWO,
        FULL,
        (500.0, "reserve car-1 A1 22", "reserve car-2 A2 7"),
        (410.0, "start car-3 A1 7"),
    ),
    # ... and with the power that it had.
    *(
        scripted(
            SITE_OF_THREE,
            (0.0, f"reserve car-1 A1 {first}"),
            (5.0, f"reserve car-1 A1 {second}", "start car-2 A2 7"),
            (5.0, "start car-3 A3 11"),
        )
        for first, second in ((22, 7), (7, 22))
    ),
    # 15 minutes are 15 minutes, and those of the next day are others.
    *(
        scripted(SITE_OF_TWO, FULL, (after, "start car-2 A1 22"))
        for after in (899.0, 900.0, 901.0, 86_460.0)
    ),
)
SEEDS = range(DRAWN + len(SCRIPTED))
DOMAIN = Domain("site", Books, plan, ends=frozenset({"stop", "unplugged"}))


def judge(answer: Answer) -> Judgement:
    """Try interleavings, lapses, refusals in a row, reports and crashes."""
    return Judgement(
        searched(answer, DOMAIN, SEEDS),
        f"{len(SEEDS)} runs at a charging site, with crashes, cables pulled out and"
        " reservations that lapse: no column had two cars, no car two columns, the sum"
        " was never over its limit, and no one was turned away for nothing.",
    )


SITE = Exercise(
    id="3.5",
    title="Charging columns",
    difficulty="hard",
    lab="03-rules-inside",
    statement=(
        "Electric cars charge at a site whose columns share one limit of power. Write"
        " `class Site`. `Site(columns, limit)` has columns by name and a limit in kW."
        " `reserve(car, column, kw, now)` keeps a column and so much power for a car,"
        " for 15 minutes, at whose end both are free again; `start(car, column, kw,"
        " now)` has it charge, in the place of what it has reserved there, if anything;"
        " `stop(car, now)` ends that. A column is for one car and a car has one column,"
        " charging or reserved; the sum of all kW, charging and reserved, is at most"
        " the limit. A car that has a column reserves none, not even the same again,"
        " and starts only at one that it has reserved. Whatever breaks that, and a"
        " `stop` of a car that does not charge, raises `Refused` and changes nothing."
        " `unplugged(column, now)` is a report of the column: no car charges there any"
        " more, whatever was known, and it is never refused. Saved and loaded as in"
        " 3.2."
    ),
    stub=(
        "class Site:\n"
        "    def __init__(self, columns, limit):\n"
        '        raise NotImplementedError("Exercise 3.5: one limit for all columns")\n'
    ),
    hints=(
        (
            "Two cars start at two columns in the same second, and each column is free."
            " What must be loaded and saved together, so that one of them is refused?"
        ),
        (
            "Charging and reserved are the same thing with and without an end. Let go"
            " of what has lapsed first, and only then look at the column, at the car"
            " and at the sum; what the car itself has reserved there does not count"
            " against its own start."
        ),
        (
            "Keep `self.uses`, of column to `(car, kw, until)`, with None for `until`"
            " while it charges. Both `reserve` and `start` build the dictionary of what"
            " binds at `now`, `start` without the car's own reservation at this column;"
            " they refuse if the column is in it, or the car, or if the sum with `kw`"
            " is over the limit; then they put the new entry in and set `self.uses`."
        ),
    ),
    transfer=(
        (
            "A locker bank has 40 doors and one cooling unit, which holds 12 doors cold"
            " at once. Couriers book a door, cold or not, for half an hour. Which rule"
            " does a `Door` keep by itself, and which does it not even see? What would"
            " you do with 400 doors on ten units?"
        ),
        (
            "A door knows that it holds one parcel at most. That at most 12 are cold it"
            " cannot see, and two couriers at two doors would break it without a"
            " conflict: the unit, with the doors that it cools, is the aggregate. Ten"
            " units are ten aggregates, since no rule is about two of them; more would"
            " only bring conflicts."
        ),
    ),
    call=Call(
        "Site",
        ("columns", "limit"),
        methods=(
            Call("reserve", ("car", "column", "kw", "now")),
            Call("start", ("car", "column", "kw", "now")),
            Call("stop", ("car", "now")),
            Call("unplugged", ("column", "now")),
        ),
    ),
    judge=judge,
)
