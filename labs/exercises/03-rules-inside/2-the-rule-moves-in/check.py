"""Checks exercise 3.2: riders, a dock and a desk at one stand."""

from datetime import timedelta
from types import SimpleNamespace

from fastapi import FastAPI, HTTPException

from movingparts.check import Check, Law, of
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


class Books:
    """Who was promised which bike until when, and who is riding which."""

    def __init__(self, bikes):
        self.bikes, self.promised, self.riding = bikes, {}, {}

    def note(self, seen):
        """Note what a command has done."""
        if seen.kind == "back":
            self.riding.pop(seen.bike, None)
        elif seen.kind == "given" and seen.call.startswith("reserve"):
            self.promised[seen.bike] = (seen.rider, seen.now + PROMISED_FOR)
        elif seen.kind == "given":
            self.promised.pop(seen.bike, None)
            self.riding[seen.bike] = seen.rider


class Seen:
    """A command, what was known before it, and what came of it."""

    spoiled = False

    def __init__(self, books, now, value, method, rider, bike=""):
        self.kind = "back" if bike else "given"
        if isinstance(value, Refused):
            self.kind = "refused"
        self.call = f"{method}({rider}{', ' if bike else ''}{bike})"
        self.now, self.value, self.rider = now, value, rider
        self.bike, self.bikes = bike or str(value), books.bikes
        self.all = ", ".join(books.bikes)
        binds = {b: p for b, p in books.promised.items() if now < p[1]}
        over = {b: p[0] for b, p in books.promised.items() if p[1] <= now}
        mine = [b for b, (whose, _) in binds.items() if whose == rider]
        has = [b for b, whose in books.riding.items() if whose == rider]
        self.riding = books.riding.get(self.bike, "")
        self.who = f"{self.riding or 'nobody'} is riding {self.bike}"
        self.whose, until = binds.get(self.bike, ("", now))
        self.until = f"{until:%H:%M:%S}"
        may = mine or [b for b in books.bikes if b not in {*binds, *books.riding}]
        self.too_many = has or (mine and (method == "reserve" or self.bike not in mine))
        if has or (mine and method == "reserve"):
            may = []
        if bike:
            may = [bike] if self.riding == rider else []
        self.had = f"is riding {has[0]}" if has else f"was promised {''.join(mine)}"
        self.fact = f"{may[0]} is free" if may else ""
        if mine or bike:
            self.fact = f"{rider} {self.had}"
        self.may = may  # the bikes that the command may be about
        self.lapsed = not bike and (rider in over.values() or {*over} & {*may})
        self.wrong = may if self.kind == "refused" else self.bike not in may


def new_stands(answer, now):
    """Use up a new stand, and then another one."""
    stands = [answer.made(["bike-1", "bike-2"]) for _ in range(2)]
    one, two = (
        [answer.ask(stand, method, method, now) for method in ("reserve", "walk_up")]
        for stand in stands
    )
    came = [any(isinstance(value, Refused) for value in each) for each in (one, two)]
    return SimpleNamespace(kind="new", fresh=came != [False, True])


async def run(world, answer, run):
    """Give commands to a stand, one after the other."""
    bikes, commands = plan(run.seed)
    now = world.clock.now()
    run.see(new_stands(answer, now))
    books, stand, done, refused = Books(bikes), answer.made(bikes), [], []
    app, given = FastAPI(), ()

    @app.post("/{what:path}")
    async def command(what: str) -> None:
        *words, at = given
        seen = Seen(books, at, answer.ask(stand, *given), *words)
        if seen.wrong and refused:  # would it be right without what was refused before?
            clean = answer.made(bikes)
            again = [answer.ask(clean, *each) for each in (*done, given)]
            seen.spoiled = not Seen(books, at, again[-1], *words).wrong
        is_refused = seen.kind == "refused"
        world.note("stand", "refused" if is_refused else seen.bike)
        run.see(seen)
        books.note(seen)
        (refused if is_refused else done).append(given)
        if is_refused:
            raise HTTPException(409)

    await world.serve("stand", lambda _: app)
    for number, (gap, *words) in enumerate(commands):
        await world.clock.sleep(int(gap))
        now += timedelta(seconds=int(gap))
        if run.step(f"command {number}"):
            given, (method, rider, *bike) = (*words, now), words
            await world.client(rider).post("/".join(("http://stand", method, *bike)))


LAWS = (
    Law("remembers-elsewhere", of("new"), lambda s: s.fresh),
    Law("changed-by-refusal", of("given", "back", "refused"), lambda s: not s.spoiled),
    Law("not-a-bike", of("given"), lambda s: s.bike in s.bikes),
    Law("gives-what-is-gone", of("given"), lambda s: s.riding in {"", s.rider}),
    Law("ignores-promises", of("given"), lambda s: s.whose in {"", s.rider}),
    Law("rider-has-two", of("given"), lambda s: not s.too_many),
    Law("takes-back-anything", of("back"), lambda s: s.riding == s.rider),
    Law("never-lapses", of("refused"), lambda s: not (s.may and s.lapsed)),
    Law("turns-away", of("refused"), lambda s: not s.may),
)
CHECK = Check(run=run, until=172_800, laws=LAWS, may_raise=(Refused,))
