"""Checks exercise 3.2: riders, a dock and a desk at one stand."""

from datetime import timedelta
from itertools import accumulate

from fastapi import FastAPI, HTTPException

from movingparts.check import Check, Law, always, never
from movingparts.core.random import stream
from movingparts.scenes.ch03.refusal import Refused
from movingparts.scenes.ch03.stand import PROMISED_FOR

SCRIPTS = (  # how many bikes, and commands, each with the seconds since the one before
    "1; 5 reserve ada; 5 walk_up bob; 5 reserve ada; 5 walk_up ada; 5 walk_up ada",
    "2; 5 reserve ada; 60 walk_up ada; 60 give_back ada bike-1; 60 reserve bob",
    "2; 5 walk_up ada; 5 walk_up bob; 60 give_back bob bike-1; 5 give_back cleo bike-1",
    "2; 5 reserve ada; 300 reserve ada; 310 walk_up cleo; 5 walk_up bob",
    *(f"1; 3300 reserve ada; {wait} walk_up bob" for wait in (599, 600, 1500, 86_460)),
)
GAPS = (5, 5, 5, 60, 330, 690)  # seconds between commands: soon, or too late


def plan(seed):
    """Return the bikes and the commands to try under a seed, with their pauses."""
    if seed < len(SCRIPTS):
        count, *texts = SCRIPTS[seed].split("; ")
        commands = [text.split() for text in texts]
        return [f"bike-{n}" for n in range(1, 1 + int(count))], commands
    rng, commands = stream(seed, "commands"), []
    bikes = [f"bike-{n}" for n in range(1, 2 + rng.randrange(3))]
    for _ in range(4 + seed // 4):
        method = rng.choice(("reserve", "reserve", "walk_up", "walk_up", "give_back"))
        command = [rng.choice(GAPS), method, rng.choice(("ada", "bob", "cleo"))]
        commands.append(command + [rng.choice(bikes)] * (method == "give_back"))
    return bikes, commands


class Made:
    """New stands: what one gives out, the others must still have."""

    given = back = turned_away = spoiled = False

    def __init__(self, answer, now):
        one, self.fresh = answer.made(["bike-1"]), True
        for method in ("reserve", "walk_up"):
            first = answer.ask(one, method, "ada", now)
            two = answer.made(["bike-1"])
            second = answer.ask(two, "reserve", "bob", now)
            if isinstance(second, Refused) and not isinstance(first, Refused):
                self.fresh = False


class Books:
    """Who was promised which bike until when, and who is riding which."""

    def __init__(self, bikes):
        self.bikes, self.promised, self.riding = bikes, {}, {}

    def after(self, seen):
        """Note what a command has done."""
        if seen.back:
            self.riding.pop(seen.bike, None)
        elif seen.given and seen.method == "reserve":
            self.promised[seen.bike] = (seen.rider, seen.now + PROMISED_FOR)
        elif seen.given:
            self.promised.pop(seen.bike, None)
            self.riding[seen.bike] = seen.rider


class Seen:
    """A command, what was known before it, and what came of it."""

    fresh, spoiled = True, False

    def __init__(self, books, now, value, method, rider, bike=""):
        self.now, self.value, self.method, self.rider = now, value, method, rider
        self.call = f"{method}({rider}{', ' if bike else ''}{bike})"
        refused, giving = isinstance(value, Refused), not bike
        self.bike = bike or str(value)
        self.given, self.back = giving and not refused, not (giving or refused)
        self.bikes, self.all = books.bikes, ", ".join(books.bikes)
        binds = {b: p for b, p in books.promised.items() if now < p[1]}
        mine = [b for b, (whose, _) in binds.items() if whose == rider]
        has = [b for b, whose in books.riding.items() if whose == rider]
        self.had = f"is riding {has[0]}" if has else f"was promised {''.join(mine)}"
        self.riding = books.riding.get(self.bike, "")
        self.who = f"{self.riding or 'nobody'} is riding {self.bike}"
        may = mine or [b for b in books.bikes if b not in {*binds, *books.riding}]
        if has or (mine and method == "reserve"):
            may = []
        if not giving:
            may = [bike] if self.riding == rider else []
        self.fact = f"{may[0]} is free" if may else ""
        if mine or not giving:
            self.fact = f"{rider} {self.had}"
        self.too_many = self.given and not may and (has or mine)
        self.too_many = self.too_many or (mine and self.bike not in mine)
        self.whose, until = binds.get(self.bike, ("", now))
        self.until = f"{until:%H:%M:%S}"
        over = {b: p[0] for b, p in books.promised.items() if p[1] <= now}
        self.lapsed = giving and (rider in over.values() or {*over} & {*may})
        self.turned_away = refused and may
        self.wrong = not may if not refused else bool(may)
        self.wrong = self.wrong or (self.given and self.bike not in may)


async def run(world, answer, run):
    """Give commands to a stand, one after the other."""
    bikes, commands = plan(run.seed)
    run.see(Made(answer, world.clock.now()))
    books, stand, done, refused = Books(bikes), answer.made(bikes), [], []
    began, seconds = world.clock.now(), accumulate(int(each[0]) for each in commands)
    times = [timedelta(seconds=each) for each in seconds]
    app = FastAPI()

    @app.post("/{what:path}")
    async def command(what: str, number: int) -> None:
        _, method, *arguments = commands[number]
        words, now = (method, *arguments), began + times[number]
        value = answer.ask(stand, method, *arguments, now)
        seen = Seen(books, now, value, *words)
        if seen.wrong and refused:  # would it be right without what was refused before?
            clean = answer.made(bikes)
            again = [answer.ask(clean, *given) for given in (*done, (*words, now))]
            seen.spoiled = not Seen(books, now, again[-1], *words).wrong
        world.note("stand", "refused" if isinstance(value, Refused) else seen.bike)
        run.see(seen)
        books.after(seen)
        (refused if isinstance(value, Refused) else done).append((*words, now))
        if isinstance(value, Refused):
            raise HTTPException(409)

    await world.serve("stand", lambda _: app)
    for number, (_, method, rider, *bike) in enumerate(commands):
        until = began + times[number] - world.clock.now()
        await world.clock.sleep(until.total_seconds())
        if run.step(f"command {number}"):
            url = "/".join(("http://stand", method, *bike))
            await world.client(rider).post(url, params={"number": str(number)})


LAWS = (
    Law("remembers-elsewhere", always, lambda s: s.fresh),
    Law("changed-by-refusal", always, lambda s: not s.spoiled),
    Law("not-a-bike", lambda s: s.given, lambda s: s.bike in s.bikes),
    Law("gives-what-is-gone", lambda s: s.given, lambda s: s.riding in {"", s.rider}),
    Law("ignores-promises", lambda s: s.given, lambda s: s.whose in {"", s.rider}),
    Law("rider-has-two", lambda s: s.given, lambda s: not s.too_many),
    Law("takes-back-anything", lambda s: s.back, lambda s: s.riding == s.rider),
    Law("never-lapses", lambda s: s.turned_away and s.lapsed, never),
    Law("turns-away", lambda s: s.turned_away, never),
)
CHECK = Check(
    run=run,
    seeds=range(40),
    until=172_800,
    laws=LAWS,
    may_raise=(Refused,),
)
