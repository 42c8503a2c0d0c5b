"""Checks exercise 3.2: riders, a dock and a desk at one stand."""

from datetime import timedelta

from movingparts.check import Check, Law, always, never
from movingparts.core.random import stream
from movingparts.scenes.ch03.refusal import Refused
from movingparts.scenes.ch03.saved import Command, Saved, Store, copies, drawn, scripted
from movingparts.scenes.ch03.stand import PROMISED_FOR

ONE, TWO, ADA = (["bike-1"],), (["bike-1", "bike-2"],), (0, "reserve ada")
RETURNS = (60, "give_back bob bike-1", "give_back bob bike-2")
SCRIPTED = (
    scripted(TWO, ADA, (5, "walk_up bob"), (5, "walk_up cleo"), (5, "reserve cleo")),
    scripted(
        ONE, ADA, (60, "walk_up ada"), (60, "give_back ada bike-1"), (60, "reserve bob")
    ),
    scripted(TWO, ADA, (60, "walk_up bob"), RETURNS, (5, "walk_up cleo")),
    scripted(
        TWO, ADA, (60, "walk_up bob"), RETURNS, (5, "reserve bob"), (5, "walk_up cleo")
    ),
    scripted(TWO, ADA, (300, "reserve ada", "reserve bob"), (310, "walk_up cleo")),
    *(scripted(ONE, ADA, (s, "walk_up bob")) for s in (599, 600, 601, 1500, 86_460)),
    scripted(ONE, (3300, "reserve ada"), (5, "walk_up bob")),
)
GAPS = (0.4, 0.4, 0.4, 60.0, 330.0, 690.0)  # seconds between turns: soon, or too late


def plan(seed):
    """Return the run to try under a seed."""
    if seed < len(SCRIPTED):
        return SCRIPTED[seed]
    rng = stream(seed, "turns")
    bikes = [f"bike-{n}" for n in range(1, 2 + rng.randrange(3))]

    def draw():
        method = rng.choice(("reserve", "reserve", "walk_up", "walk_up", "give_back"))
        rider, bike = rng.choice(("ada", "bob", "cleo")), rng.choice(bikes)
        return Command(method, (rider, bike) if method == "give_back" else (rider,))

    return drawn((bikes,), rng, seed - len(SCRIPTED), GAPS, draw)


class Books:
    """Who was promised which bike, when, and who is riding which."""

    def __init__(self, bikes):
        self.bikes, self.promised, self.riding, self.kept = bikes, {}, {}, {}
        self.returned = None  # when the last bike came back

    def after(self, seen):
        """Return the books after a command."""
        if not seen.refused and seen.method == "give_back":
            self.riding.pop(seen.bike)
            self.returned = seen.now
        elif not seen.refused and seen.method == "reserve":
            self.promised[seen.bike] = (seen.rider, seen.now)
        elif not seen.refused:
            promise = self.promised.pop(seen.bike, None)
            self.kept |= {seen.bike: promise[1]} if seen.mine and promise else {}
            self.riding[seen.bike] = seen.rider
        return self


class Seen:
    """A command, what was known before it, and what came of it."""

    fresh = True  # a new stand gives out its bikes
    unsaved = ""

    def __init__(self, books, outcome):
        self.call, self.method = outcome.command, outcome.command.method
        self.rider, *rest = outcome.command.arguments
        self.now, self.value, self.refused = outcome.now, outcome.value, outcome.refused
        self.giving = not rest
        self.bike = rest[0] if rest else str(self.value)
        ends = {bike: at + PROMISED_FOR for bike, (_, at) in books.promised.items()}
        binds = {b: who for b, (who, _) in books.promised.items() if self.now < ends[b]}
        riding = books.riding
        self.has = next((b for b, who in riding.items() if who == self.rider), "")
        self.mine = next((b for b, who in binds.items() if who == self.rider), "")
        self.riding = riding.get(self.bike, "") if not self.refused or rest else ""
        self.may = [b for b in books.bikes if b not in binds and b not in riding]
        if self.has or (self.mine and self.method == "reserve"):
            self.may = []
        elif self.mine:
            self.may = [self.mine]
        if rest:
            self.may = [self.bike] if self.riding == self.rider else []
        self.given = self.giving and not self.refused
        self.back = not self.giving and not self.refused
        self.shut_out = bool(self.refused and self.may)
        self.whose = binds.get(self.bike, "") if self.given else ""
        self.other = self.whose not in {"", self.rider}
        at = books.promised[self.bike][1] if self.other else self.now
        self.until = f"{at + PROMISED_FOR:%H:%M:%S}"
        self.ended = self.other and books.returned is not None and books.returned > at
        soon = self.now - at < timedelta(seconds=30)
        soon = soon and at.hour == (at + PROMISED_FOR).hour  # not at the full hour
        self.fresh_promise = self.other and soon and not self.ended
        self.walks_up = self.method == "walk_up"
        gone = [self.now - end for b, end in ends.items() if b in self.may]
        none = timedelta(seconds=-1)
        self.lapsed = max(gone, default=none) if self.giving else none
        self.lapsed_now = self.lapsed > none
        kept = [b for b, at in books.kept.items() if self.now < at + PROMISED_FOR]
        self.kept = " and ".join(kept)
        self.kept_all = self.giving and bool(kept) and set(self.may) <= set(kept)
        wrong = not right(self.value, self.may, self.giving)
        clean = right(outcome.clean, self.may, self.giving)
        self.spoiled = outcome.after_refusal and wrong and clean
        self.bikes = books.bikes
        self.all = ", ".join(books.bikes)

    @property
    def fact(self):
        """Why a command should not be refused, in words."""
        if not self.giving:
            return f"{self.rider} is riding {self.bike}"
        if self.mine:
            return f"{self.mine} is promised to {self.rider}"
        return f"{self.may[0]} is free"


def right(value, may, giving):
    """Return whether a value, or a refusal, is right where these bikes may be given."""
    if isinstance(value, Refused):
        return not may
    return value in may if giving else bool(may)


class Made:
    """Two new stands: what one gives out, the other must still have."""

    method, call, other, back, given, shut_out, spoiled = "", "", *[False] * 5
    fresh_promise = False

    def __init__(self, answer, world):
        one, two = answer.made(["bike-1"]), answer.made(["bike-1"])
        now = world.clock.now()
        answer.ask(one, "reserve", "ada", now)
        self.fresh = not isinstance(answer.ask(two, "reserve", "bob", now), Refused)
        answer.ask(two, "walk_up", "bob", now)
        self.unsaved = copies(one) or copies(two)


async def run(world, answer, run):
    """Make a stand, save it, and let riders, a dock and a desk come."""
    [bikes] = plan(run.seed).arguments
    made = Made(answer, world)
    run.see(made)
    if made.unsaved:
        return

    def ask(thing, command, now):
        return answer.ask(thing, command.method, *command.arguments, now)

    def look(books, outcome):
        seen = Seen(books, outcome)
        run.see(seen)
        return books if run.broken else books.after(seen)

    store = Store(answer.made(bikes), Books(bikes))
    await Saved(world, "stand", store, ask, look).live(plan(run.seed), run.step)


LONG, TEN = timedelta(hours=12), timedelta(minutes=10)
LAWS = (
    Law("cannot-be-saved", always, lambda s: not s.unsaved),
    Law("remembers-elsewhere", always, lambda s: s.fresh),
    Law("changed-by-refusal", always, lambda s: not s.spoiled),
    Law("refuses-by-a-value", lambda s: s.given and not s.may, lambda s: s.value),
    Law("not-a-bike", lambda s: s.given, lambda s: s.bike in s.bikes),
    Law("gives-what-is-gone", lambda s: s.given, lambda s: s.riding in {"", s.rider}),
    Law("dock-ignores-promises", lambda s: s.fresh_promise and s.walks_up, never),
    Law("promised-twice", lambda s: s.fresh_promise, never),
    Law("lapses-early", lambda s: s.other and not s.ended, never),
    Law("ends-too-much", lambda s: s.other, never),
    Law("rider-has-two", lambda s: s.given and s.has, never),
    Law(
        "reserves-again",
        lambda s: s.given and s.method == "reserve" and s.mine,
        never,
    ),
    Law("promise-not-kept", lambda s: s.given and s.mine, lambda s: s.bike == s.mine),
    Law(
        "rider-not-compared",
        lambda s: s.back and s.riding,
        lambda s: s.riding == s.rider,
    ),
    Law("bike-not-compared", lambda s: s.back and s.has, lambda s: s.bike == s.has),
    Law("takes-back-what-is-here", lambda s: s.back, lambda s: s.riding),
    Law("never-lapses", lambda s: s.shut_out and TEN < s.lapsed < LONG, never),
    Law("compares-the-hour", lambda s: s.shut_out and s.lapsed >= LONG, never),
    Law("promise-outlives-its-ride", lambda s: s.shut_out and s.kept_all, never),
    Law("lapses-late", lambda s: s.shut_out and s.lapsed_now, never),
    Law("turns-away", always, lambda s: not s.shut_out),
)
CHECK = Check(
    run=run,
    seeds=range(60 + len(SCRIPTED)),
    until=172_800,
    laws=LAWS,
    may_raise=(Refused,),
)
