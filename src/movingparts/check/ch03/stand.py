"""Exercise 3.2: the rule moves in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.ch03.refused import Refused
from movingparts.check.ch03.turns import (
    NEVER_LAPSES,
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
PROMISED_FOR = timedelta(minutes=10)
ALWAYS = datetime.min.replace(tzinfo=UTC)  # before all ends: no promise has lapsed
RIDERS = ("ada", "bob", "cleo")
GAPS = (0.4, 0.4, 0.4, 60.0, 330.0, 690.0)  # seconds between turns: soon, or too late


# --- where it begins: data, and three handlers --------------------------------------


@dataclass
class Data:
    """What is at a stand: only data, and each handler knows what it means."""

    bikes: list[str]
    promised: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # by bike
    riding: dict[str, str] = field(default_factory=dict)  # bike: rider


def app_reserves(stand: Data, rider: str, now: datetime) -> str:
    """Promise a bike, as the app's handler does."""
    for bike in stand.bikes:
        if bike not in stand.promised or stand.promised[bike][1] <= now:
            stand.promised[bike] = (rider, now + PROMISED_FOR)
            return bike
    raise Refused("no bike is left to promise")


def dock_lets_go(stand: Data, rider: str, now: datetime) -> str:
    """Give a bike to whoever stands at the dock, as the dock's handler does."""
    mine = [bike for bike, (whose, _) in stand.promised.items() if whose == rider]
    bike = next(iter([*mine, *stand.bikes]), None)
    if bike is None:
        raise Refused("no bike stands here")
    stand.promised.pop(bike, None)
    stand.bikes.remove(bike)
    stand.riding[bike] = rider
    return bike


def desk_takes_back(stand: Data, rider: str, bike: str, now: datetime) -> None:
    """Take a bike back, as the support desk's handler does."""
    if bike not in stand.riding:
        raise Refused(f"nobody has {bike}")
    del stand.riding[bike]
    stand.bikes.append(bike)


class Scattered:
    """The three handlers with the data between them, as one thing to check.

    >>> now = datetime.fromisoformat("2031-05-05T08:00:00+00:00")
    >>> stand = Scattered(["bike-1"])
    >>> stand.reserve("ada", now), stand.walk_up("bob", now)
    ('bike-1', 'bike-1')
    """

    def __init__(self, bikes: list[str]) -> None:
        self.stand = Data(bikes)

    def reserve(self, rider: str, now: datetime) -> str:
        """Have the app promise a bike."""
        return app_reserves(self.stand, rider, now)

    def walk_up(self, rider: str, now: datetime) -> str:
        """Have the dock let a bike go."""
        return dock_lets_go(self.stand, rider, now)

    def give_back(self, rider: str, bike: str, now: datetime) -> None:
        """Have the desk take a bike back."""
        desk_takes_back(self.stand, rider, bike, now)


# --- what must hold -------------------------------------------------------------------


class Books:
    """Who was promised what, and who rides what; what must hold for each command."""

    def __init__(self, bikes: list[str]) -> None:
        self._bikes = tuple(bikes)
        self._promised: dict[str, tuple[str, datetime]] = {}  # by bike
        self._riding: dict[str, str] = {}  # bike: rider
        self._kept: dict[str, tuple[str, datetime]] = {}  # promises, by the bike taken

    def judge(
        self, command: Command, outcome: Outcome, now: datetime
    ) -> Complaint | None:
        """Return what is wrong with an outcome, or take it into account."""
        rider = command.arguments[0]
        if command.method == "give_back":
            return self._back(rider, command.arguments[1], outcome)
        may = self._may(command, now)
        if outcome.refused:
            return self._refused(command, may, now) if may else None
        bike = text_of(outcome.value)
        if bike not in self._bikes:
            return self._no_bike(command, outcome.value, may)
        if bike not in may:
            return self._given(command, bike, now)
        if command.method == "reserve":
            self._promised[bike] = (rider, now + PROMISED_FOR)
        else:
            if rider == self._promised.get(bike, ("", now))[0]:
                self._kept[bike] = self._promised[bike]
            self._promised.pop(bike, None)
            self._riding[bike] = rider
        return None

    def _may(self, command: Command, now: datetime) -> list[str]:
        """Return the bikes that a command may give."""
        rider = command.arguments[0]
        mine = self._promise_of(rider, now)
        if rider in self._riding.values() or (mine and command.method == "reserve"):
            return []
        return [mine] if mine else [b for b in self._bikes if not self._whose(b, now)]

    def _no_bike(self, command: Command, value: Any, may: list[str]) -> Complaint:
        if (value is None or value is False) and not may:
            text = (
                f"`{command}` returned {value}, and no bike can be had: refuse by"
                " raising `Refused`. A value that says no is easily taken for a yes."
            )
            return Complaint("refuses-by-a-value", text)
        text = (
            f"`{command}` returned {shown(value)}, which is the id of none of its bikes"
            f" ({', '.join(self._bikes)})."
        )
        return Complaint("garbage", text, rank=1)

    def _promise_of(self, rider: str, now: datetime) -> str:
        """Return the bike that a rider is promised; "" if there is none."""
        found = self._promised.items()
        mine = [bike for bike, (whose, end) in found if whose == rider and now < end]
        return next(iter(mine), "")

    def _whose(self, bike: str, now: datetime) -> str:
        """Return the rider whose bike it is; "" if it is free."""
        whose, end = self._promised.get(bike, ("", now))
        return self._riding.get(bike, "") or (whose if now < end else "")

    def _refused(self, command: Command, may: list[str], now: datetime) -> Complaint:
        text = f"`{command}` was refused, and {' or '.join(may)} could be had."
        if self._may(command, ALWAYS):
            kept = {bike: who for bike, (who, end) in self._kept.items() if now < end}
            if kept and (
                kept.keys() >= {*may} or command.arguments[0] in kept.values()
            ):
                taken = " and ".join(f"{who} took {each}" for each, who in kept.items())
                text += f" A promise has ended when it is kept: {taken}."
                return Complaint("promise-outlives-its-ride", text, rank=1)
            return Complaint(TURNS_AWAY, text, rank=1)
        promises = sorted(self._promised.items())
        ends = {bike: end for bike, (_, end) in promises if end <= now}
        text += f" A promise lapses by itself: that of {' and of '.join(ends)} has."
        return Complaint(NEVER_LAPSES, text, rank=1)

    def _given(self, command: Command, bike: str, now: datetime) -> Complaint:
        """Return what is wrong with giving this bike to this rider."""
        rider, whose = command.arguments[0], self._whose(bike, now)
        text = f"`{command}` gave {rider} {bike}"
        if self._riding.get(bike, rider) != rider:
            text += f", and {whose} is riding it."
            return Complaint("gives-what-is-gone", text)
        if whose not in {"", rider}:
            text += f", which is promised to {whose} until {self._end(bike)}."
            if command.method == "walk_up":
                text += " What one handler has promised, the others must know."
                return Complaint("dock-ignores-promises", text)
            return Complaint("promised-twice", text)
        has = [each for each, who in self._riding.items() if who == rider]
        if has:
            text += f", who is riding {has[0]}: a rider has one bike at most."
            return Complaint("rider-has-two", text)
        text += f", who was promised {self._promise_of(rider, now)}"
        if command.method == "walk_up":
            text += ": the promise is not kept, and binds a second bike."
            return Complaint("promise-not-kept", text)
        text += " already: a rider has one bike at most."
        return Complaint("rider-has-two", text)

    def _end(self, bike: str) -> str:
        return f"{self._promised[bike][1]:%H:%M:%S}"

    def _back(self, rider: str, bike: str, outcome: Outcome) -> Complaint | None:
        has = [each for each, whose in self._riding.items() if whose == rider]
        call = f"`give_back({rider}, {bike})`"
        if bike in has:
            if outcome.refused:
                text = f"{call} was refused, and {rider} is riding {bike}."
                return Complaint(TURNS_AWAY, text, rank=1)
            del self._riding[bike]
            return None
        if outcome.refused:
            return None
        text = f"{call} was not refused, and {rider}"
        text += f" is riding {has[0]}" if has else " has no bike"
        whose = self._riding.get(bike)
        if whose is not None:
            text += f"; {whose} is riding {bike}, and it is taken from under her."
            return Complaint("rider-not-compared", text)
        if has:
            text += f". That a rider has a bike does not say that it is {bike}."
            return Complaint("bike-not-compared", text)
        return Complaint("takes-back-what-is-here", f"{text}; nobody rides {bike}.")


def text_of(value: Any) -> str:
    """Return a text's letters, and nothing of its own; "" for anything else."""
    return str.__str__(value) if isinstance(value, str) else ""


# --- what is tried --------------------------------------------------------------------


def plan(seed: int) -> Plan:
    """Return who comes when, and what they want; later seeds have more of it."""
    if seed >= DRAWN:
        return SCRIPTED[seed - DRAWN]
    rng = stream(seed, "turns")
    bikes = [f"bike-{n}" for n in range(1, 2 + rng.randrange(3))]
    riders = RIDERS[: 2 + rng.randrange(2)]
    turns, at = [], 1.0
    for number in range(3 + seed // 8):
        at += rng.choice(GAPS) * (0.9 + 0.2 * rng.random())
        several = 1 + rng.randrange(3) if seed >= LISTS else 1
        commands = tuple(
            _command(rng, riders, bikes, f"command {number}.{n}")
            for n in range(several)
        )
        turns.append(Turn(at, 0.2 + rng.random(), commands))
    crash_at = at * rng.random() if seed >= CRASHES and seed % 2 else None
    return Plan((bikes,), tuple(turns), crash_at)


def _command(
    rng: Random, riders: tuple[str, ...], bikes: list[str], key: str
) -> Command:
    method = rng.choice(("reserve", "reserve", "walk_up", "walk_up", "give_back"))
    rider, bike = rng.choice(riders), rng.choice(bikes)
    return Command(method, (rider, bike) if method == "give_back" else (rider,), key)


ONE, TWO = (["bike-1"],), (["bike-1", "bike-2"],)
ADA = (0.0, "reserve ada")
SCRIPTED = (
    # A promise ends when it is kept.
    scripted(
        ONE,
        ADA,
        (60.0, "walk_up ada"),
        (60.0, "give_back ada bike-1"),
        (60.0, "reserve bob"),
    ),
    # Who gives a bike back leaves the others theirs, whichever of the two it is.
    *(
        scripted(
            TWO,
            ADA,
            (60.0, "walk_up bob"),
            (60.0, "give_back bob bike-1", "give_back bob bike-2"),
            *((5.0, command) for command in commands),
        )
        for commands in (["walk_up cleo"], ["reserve bob", "walk_up cleo"])
    ),
    # Who is refused a second promise keeps the first, and it lapses as before.
    scripted(TWO, ADA, (300.0, "reserve ada", "reserve bob"), (310.0, "walk_up cleo")),
    # Ten minutes are ten minutes, and those of the next day are others.
    *(scripted(ONE, ADA, (after, "walk_up bob")) for after in (599.0, 600.0, 601.0)),
    scripted(ONE, ADA, (86_460.0, "walk_up bob")),
)
SEEDS = range(DRAWN + len(SCRIPTED))
DOMAIN = Domain("stand", Books, plan, ends=frozenset({"give_back"}))


def judge(answer: Answer) -> Judgement:
    """Try interleavings, lapses, refusals in a row and crashes."""
    return Judgement(
        searched(answer, DOMAIN, SEEDS),
        f"{len(SEEDS)} runs of riders, docks and a desk, with crashes and promises that"
        " lapse: no bike had two riders, no rider two bikes, and nobody was turned away"
        " for nothing.",
    )


STAND = Exercise(
    id="3.2",
    title="The rule moves in",
    difficulty="hard",
    lab="03-rules-inside",
    statement=(
        "Three handlers give out the bikes of a stand, and each has its own version of"
        " the rule. Write `class Stand`, which keeps it for all of them. `Stand(bikes)`"
        " has these bikes, all of them free. `reserve(rider, now)` promises a free one"
        " for ten minutes, at whose end it is free again, and returns its id."
        " `walk_up(rider, now)` gives a rider the bike that is promised to her, which"
        " ends the promise, or else a free one, and returns its id."
        " `give_back(rider, bike, now)` takes back the bike that this rider is riding."
        " A bike is one rider's at most and a rider has one bike at most, promised or"
        " ridden; whatever else is asked for raises `Refused` and changes nothing."
        " Between commands a copy of the object's attributes is saved, under a version;"
        " who loaded an older one loads and asks again, and a handler that was refused"
        " may go on with the same object. The checker looks for an interleaving, a"
        " pause or a crash that breaks the rule."
    ),
    stub=(
        "class Stand:\n"
        "    def __init__(self, bikes):\n"
        '        raise NotImplementedError("Exercise 3.2: one rule, kept inside")\n'
    ),
    hints=(
        (
            "For each bike there are three cases, and for each rider three: nothing,"
            " promised, riding. Which of the nine pairs may `reserve` meet, and what"
            " does it do in each?"
        ),
        (
            "All that the stand knows stands in attributes of `self`: who was promised"
            " which bike until when, and who is riding which. Begin each method by"
            " forgetting the promises that have lapsed at `now`, look whether the"
            " command is to be refused, and change something only after that."
        ),
        (
            "Keep `self.promised`, a dictionary of bike to `(rider, until)`, and"
            " `self.riding`, of bike to rider. A helper returns the promises with `now"
            " < until`. `reserve` refuses a rider who is in either; `walk_up` refuses"
            " one who is riding, takes her own promise or a bike that is in neither;"
            " `give_back` refuses unless `self.riding.get(bike) == rider`."
        ),
    ),
    transfer=(
        (
            "A parcel locker assigns doors in three places: the courier's app, the"
            " keypad at the locker, and the back office, which moves parcels. Parcels"
            " that nobody fetches go back after three days. What is the aggregate, and"
            " what must each of the three places not do?"
        ),
        (
            "The locker: a door holds one parcel at most, and a parcel is behind one"
            " door. The three places load it, ask it to assign, open or move, and save"
            " it; none of them may read the doors and decide by itself. The three days"
            " are compared with the time at which somebody asks, so that no timer needs"
            " to survive a restart."
        ),
    ),
    call=Call(
        "Stand",
        ("bikes",),
        methods=(
            Call("reserve", ("rider", "now")),
            Call("walk_up", ("rider", "now")),
            Call("give_back", ("rider", "bike", "now")),
        ),
    ),
    judge=judge,
)
