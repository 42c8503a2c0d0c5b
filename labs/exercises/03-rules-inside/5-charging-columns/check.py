"""Checks exercise 3.5: cars, and reports of columns, at one charging site."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import NamedTuple

from movingparts.check import Check, Law, always, never
from movingparts.core.random import stream
from movingparts.scenes.ch03.refusal import Refused
from movingparts.scenes.ch03.saved import Command, Saved, Store, copies, drawn, scripted

KEPT, CHARGED = "0 reserve car-1 A1 22", "0 start car-1 A1 22"
SCRIPTS = (  # the turns of a run: seconds since the one before (5), and commands
    f"{CHARGED}; start car-1 A1 7; start car-2 A1 7; start car-1 A2 7",
    f"{CHARGED}; start car-2 A2 11; reserve car-2 A2 11; reserve car-2 A1 7",
    f"{KEPT}; start car-2 A1 7; reserve car-2 A1 7; start car-2 A2 11",
    f"{KEPT}; reserve car-1 A1 7; start car-1 A2 7; start car-1 A1 29",
    f"{KEPT}; stop car-1; unplugged A1; unplugged A2; start car-2 A1 7",
    "reserve car-1 B1 7; start car-2 B1 7",
    f"{CHARGED}; stop car-1; start car-2 A1 22",
    f"{CHARGED}; unplugged A1; start car-2 A1 22",
    f"{KEPT}; start car-1 A1 7; start car-2 A2 22",
    "reserve car-1 A1 7; start car-1 A1 22; start car-2 A2 11",
    # A refused start leaves the reservation as it was, and doesn't charge.
    (
        "start car-1 A1 7; reserve car-2 A2 22; start car-2 A2 29, stop car-1;"
        " start car-3 A2 7; stop car-2"
    ),
    # The end of one use leaves the others.
    f"{KEPT}; start car-2 A2 7; stop car-2; start car-3 A1 7",
    f"{KEPT}; start car-2 A2 7; unplugged A2; start car-3 A1 7",
    f"{CHARGED}; start car-2 A2 7; stop car-2; stop car-1",
    # A refused second reservation leaves the end and the power of the first.
    f"{KEPT}; 500 reserve car-1 A1 22, reserve car-2 A2 7; 410 start car-3 A1 7",
    f"{KEPT}; reserve car-1 A1 7, start car-2 A2 7; start car-3 A3 11",
    "reserve car-1 A1 7; reserve car-1 A1 22, start car-2 A2 7; start car-3 A3 11",
    # 15 minutes are 15 minutes, and those of the next day are others.
    f"{KEPT}; 1800 start car-2 A2 22",
    *(f"{KEPT}; {s} start car-2 A1 7" for s in (1800, 899, 900, 901, 86_460)),
    "3000 reserve car-1 A1 22; 840 start car-2 A1 7",
)
GAPS = (0.4, 0.4, 0.4, 60.0, 500.0, 1_020.0)  # seconds between turns: soon, or too late
METHODS = ("start", "start", "start", "reserve", "reserve", "stop", "unplugged")
SOON, LATE, LONG = timedelta(seconds=30), timedelta(minutes=10), timedelta(hours=12)


def plan(seed):
    """Return the run to try under a seed."""
    if seed < len(SCRIPTS):
        turns = []
        for text in SCRIPTS[seed].split("; "):
            gap, _, rest = text.partition(" ") if text[0].isdigit() else (5, "", text)
            turns.append((float(gap), *rest.split(", ")))
        return scripted((["A1", "A2", "A3"], 29), *turns)
    rng = stream(seed, "site")
    columns = ["A1", "A2", "A3"][: 2 + rng.randrange(2)]

    def draw():
        method, car = rng.choice(METHODS), rng.choice(("car-1", "car-2", "car-3"))
        column, kw = rng.choice(columns), rng.choice((7, 11, 22))
        given = {"stop": (car,), "unplugged": (column,)}.get(method, (car, column, kw))
        return Command(method, given)

    arguments = (columns, rng.choice((22, 29)))
    return drawn(arguments, rng, seed - len(SCRIPTS), GAPS, draw)


class Use(NamedTuple):
    """A column and power that a car has: it charges, or keeps them until then."""

    car: str
    column: str
    kw: int
    since: datetime
    until: datetime | None
    after: str = ""  # the last command that ended the use of another

    def __str__(self):
        does, end = (
            ("has", f" until {self.until:%H:%M:%S}") if self.until else ("charges", "")
        )
        return f"{self.car} {does} {self.kw} kW at {self.column}{end}"


class Books:
    """What cars have, and what they had."""

    def __init__(self, columns, limit):
        self.columns, self.limit = columns, limit
        self.uses, self.stopped, self.unplugged, self.replaced = [], [], [], []

    def after(self, seen):
        """Return the books after a command."""
        if seen.refused:
            return self
        uses = [use for use in self.uses if use not in seen.ends]
        if seen.wants:
            kept = timedelta(minutes=15) if seen.method == "reserve" else None
            new = Use(*seen.arguments, seen.now, kept and seen.now + kept)
            self.replaced, self.uses = self.replaced + seen.ends, [*uses, new]
            return self
        gone = self.stopped if seen.method == "stop" else self.unplugged
        gone += seen.ends
        self.uses = [use._replace(after=seen.call) for use in uses]
        return self


class Seen(SimpleNamespace):
    """Two new sites, or a command with what was known before it and what came of it."""

    unsaved, fresh, method = "", True, ""
    spoiled = wrong = wants = refused = touched = False


def of_command(books, outcome):
    """Return what there is to see of a command."""
    method, arguments = outcome.command.method, outcome.command.arguments
    uses = [use for use in books.uses if not use.until or outcome.now < use.until]
    seen = Seen(method=method, arguments=arguments, call=str(outcome.command))
    seen.now, seen.value, seen.refused = outcome.now, outcome.value, outcome.refused
    seen.known = " and ".join(map(str, uses)) or "nobody has a column"
    seen.limit, seen.wants = books.limit, method in {"start", "reserve"}
    if seen.wants:
        of_use(books, seen, uses)
    else:
        place = ("stop", "unplugged").index(method)  # by its car, or by its column
        mine = [use for use in uses if use[place] == arguments[0]]
        seen.ends = [use for use in mine if use.until is None]
        seen.forbidden = method == "stop" and not seen.ends
        seen.touched = next((use.after for use in seen.ends if use.after), "")
    seen.did = "refused" if seen.refused else "accepted"
    seen.wrong = seen.refused != bool(seen.forbidden)
    clean = isinstance(outcome.clean, Refused) == bool(seen.forbidden)
    seen.spoiled = outcome.after_refusal and seen.wrong and clean
    return seen


def of_use(books, seen, uses):
    """Add what speaks for a use and against it."""
    car, column, kw = seen.arguments
    seen.car, seen.column, seen.all = car, column, ", ".join(books.columns)
    starts = seen.method == "start"
    at = (car, column)
    seen.ends = [use for use in uses if starts and use.until and use[:2] == at]
    others = [use for use in uses if use not in seen.ends]

    def power(more):
        return sum(use.kw for use in more) + kw > books.limit

    def against(more):
        taken = any(use.car == car or use.column == column for use in more)
        return taken or power(more)

    seen.unknown = column not in books.columns
    seen.forbidden = seen.unknown or against(others)
    young = [use for use in others if not use.until or seen.now - use.since < SOON]
    sure = [use for use in young if not use.after]
    seen.here = next((use for use in sure if use.column == column), None)
    seen.mine = next((use for use in sure if use.car == car), None)
    seen.again = seen.here is not None and seen.here is seen.mine
    seen.flows, seen.kept = power([u for u in sure if not u.until]), power(sure)
    after = [use.after for use in others if use.after]
    seen.touched = after[-1] if after and against(young) else ""
    seen.own = seen.ends[0] if seen.ends else None
    seen.own_twice = seen.own and power(uses)
    lapsed = [use for use in books.uses if use not in uses]
    because = [use for use in lapsed if against([*others, use])] or lapsed
    seen.late = min((seen.now - use.until for use in because), default=None)
    seen.lapsed = bool(lapsed) and against([*others, *lapsed])
    seen.lapsed_power = power([*others, *lapsed])
    seen.stopped = bool(books.stopped) and against([*others, *books.stopped])
    seen.unplugged = bool(books.unplugged) and against([*others, *books.unplugged])
    seen.replaced = bool(books.replaced) and against([*others, *books.replaced])
    causes = seen.own, seen.lapsed, seen.stopped, seen.unplugged, seen.replaced
    seen.because = any(causes)


def of_two(answer, now):
    """Return what there is to see of two new sites: each has all of its power."""
    one, two = (answer.made(["A1"], 29) for _ in range(2))
    first = answer.ask(one, "reserve", "car-1", "A1", 22, now)
    second = answer.ask(two, "reserve", "car-2", "A1", 22, now)
    answer.ask(one, "start", "car-1", "A1", 22, now)  # what it keeps is copied too
    fresh = isinstance(first, Refused) or not isinstance(second, Refused)
    return Seen(unsaved=copies(one), fresh=fresh)


async def run(world, answer, run):
    """Make a site, save it, and let cars come and columns report."""
    columns, limit = plan(run.seed).arguments
    two = of_two(answer, world.clock.now())
    run.see(two)
    if two.unsaved:
        return

    def ask(thing, command, now):
        return answer.ask(thing, command.method, *command.arguments, now)

    def look(books, outcome):
        seen = of_command(books, outcome)
        run.see(seen)
        return books if run.broken else books.after(seen)

    store = Store(answer.made(columns, limit), Books(columns, limit))
    await Saved(world, "site", store, ask, look).live(plan(run.seed), run.step)


def given(s):
    """Return whether a use was accepted that is against the rule."""
    return s.wants and s.wrong and not s.refused


def denied(s):
    """Return whether a use was refused that nothing speaks against."""
    return s.wants and s.wrong and s.refused


def alone(s):
    """Return whether a use was denied, and not for what was stopped or unplugged."""
    return denied(s) and not s.stopped and not s.unplugged


def stuck(s):
    """Return whether a car that charges can't stop, with no other end before it."""
    return s.method == "stop" and s.wrong and s.refused and not s.touched


def overdue(s):
    """Return whether a use was refused for a reservation that is long over."""
    return denied(s) and s.lapsed and LATE < s.late < LONG


LAWS = (
    Law("cannot-be-saved", always, lambda s: not s.unsaved),
    Law("remembers-elsewhere", always, lambda s: s.fresh),
    Law("changed-by-refusal", always, lambda s: not s.spoiled),
    Law("refuses-by-a-value", given, lambda s: s.value not in (False, Refused)),
    Law("unknown-column", given, lambda s: not s.unknown),
    Law("starts-again", lambda s: given(s) and s.again and not s.here.until, never),
    Law("reserves-again", lambda s: given(s) and s.again, never),
    Law(
        "column-given-twice", lambda s: given(s) and s.here and not s.here.until, never
    ),
    Law("reservation-ignored", lambda s: given(s) and s.here, never),
    Law("car-in-two-places", lambda s: given(s) and s.mine, never),
    Law("sum-ignored", lambda s: given(s) and s.flows and not s.replaced, never),
    Law("charges-what-was-reserved", lambda s: given(s) and s.flows, never),
    Law("reserved-power-ignored", lambda s: given(s) and s.kept, never),
    Law("stop-refused", stuck, never),
    Law("ends-too-much", lambda s: s.wrong and s.touched, never),
    Law("lapses-early", given, never),
    Law("report-refused", lambda s: s.method == "unplugged", lambda s: not s.refused),
    Law("turns-away", lambda s: denied(s) and not s.because, never),
    Law("refuses-its-own", lambda s: denied(s) and s.own and not s.own_twice, never),
    Law("counts-its-own-twice", lambda s: alone(s) and s.own_twice, never),
    Law("never-lapses", lambda s: overdue(s) and not s.lapsed_power, never),
    Law("lapsed-power-counts", overdue, never),
    Law("compares-the-hour", lambda s: denied(s) and s.lapsed and s.late > LATE, never),
    Law("lapses-late", lambda s: denied(s) and s.lapsed, never),
    Law("reserved-power-stays", lambda s: alone(s) and s.replaced, never),
    Law("stop-frees-half", lambda s: denied(s) and s.stopped, never),
    Law("report-ignored", denied, never),
    Law("stops-what-is-not-there", lambda s: s.wrong, never),
)
CHECK = Check(
    run=run,
    seeds=range(50 + len(SCRIPTS)),
    until=172_800,
    laws=LAWS,
    may_raise=(Refused,),
)
