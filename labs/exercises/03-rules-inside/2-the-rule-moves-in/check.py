"""Checks exercise 3.2: two riders and one stand, with promises that run out."""

from datetime import timedelta

from fastapi import FastAPI, HTTPException

from movingparts.check import Check, Law, always, of
from movingparts.core.random import stream
from movingparts.scenes.ch03.refusal import Refused
from movingparts.scenes.ch03.stand import PROMISED_FOR, Data

METHODS = ("reserve", "walk_up", "give_back")
PAUSES = (5, 5, 5, 5, 5, 5, 5, 595, 600, 86_460)  # seconds; a promise has 600


def plan(seed):
    """Return the bikes and the commands to try under a seed, a pause after each."""
    bikes = ["bike-1", "bike-2"][: 2 - seed % 2]
    if seed == 0:  # leaves a ride and a promise, which no other stand may know
        return bikes, [("walk_up", "ada", 5), ("reserve", "bob", 5)]
    rng, commands = stream(seed, "commands"), []
    for _ in range(4 + seed // 8):
        method, rider = rng.choice(METHODS), rng.choice(("ada", "bob"))
        commands.append((method, rider, rng.choice(PAUSES)))
    return bikes, commands


class Seen:
    """A command, what was known before it, and what came of it."""

    spoiled = False

    def __init__(self, known, now, value, method, rider):
        self.kind = "refused" if isinstance(value, Refused) else method
        self.call, self.rider = f"{method}({rider})", rider
        self.now, self.value, self.bike = now, value, str(value)
        self.bikes, self.all = known.bikes, ", ".join(known.bikes)
        promised = {b: p for b, p in known.promised.items() if now < p[1]}
        whose, until = promised.get(self.bike, (known.riding.get(self.bike), now))
        self.is_theirs = whose in (None, rider)
        self.whose = f"{whose} is riding it"
        if self.bike in promised:
            self.whose = f"it is promised to {whose} until {until:%H:%M:%S}"
        mine = [b for b, (whose, _) in promised.items() if whose == rider]
        has = [b for b, whose in known.riding.items() if whose == rider]
        free = [b for b in known.bikes if b not in {*promised, *known.riding}]
        had = [f"is riding {b}" for b in has] + [f"was promised {b}" for b in mine]
        self.had = "".join(had[:1]) or "has no bike"
        self.fact = f"{rider} {self.had}" if had else f"{(*free, 'none')[0]} is free"
        may = {"reserve": [] if had else free, "give_back": has}
        self.may = may.get(method, [] if has else mine or free)  # which bikes it may be
        over = {b: p[0] for b, p in known.promised.items() if now >= p[1]}
        waits = rider in over.values() or over.keys() & {*self.may}
        self.lapsed = waits and method != "give_back"
        self.right = self.bike in self.may if self.kind == method else not self.may

    def note(self, known):
        """Note what the command has done."""
        if self.kind == "reserve":
            known.promised[self.bike] = (self.rider, self.now + PROMISED_FOR)
        elif self.kind == "walk_up":
            known.promised.pop(self.bike, None)
            known.riding[self.bike] = self.rider
        elif self.kind == "give_back":
            known.riding.pop(self.bike, None)


async def run(world, answer, run):
    """Give commands to a stand, one after the other."""
    bikes, commands = plan(run.seed)
    known, stand, done = Data(bikes), answer.made(bikes), []
    app, now = FastAPI(), world.clock.now() + timedelta(minutes=7 * run.seed)

    @app.post("/{method}")
    async def command(method: str) -> None:
        seen = Seen(known, now, answer.ask(stand, *given, now), *given)
        if not seen.right:  # would it be right without what was refused before?
            clean = answer.made(bikes)
            again = [answer.ask(clean, *each) for each in (*done, (*given, now))]
            seen.spoiled = Seen(known, now, again[-1], *given).right
        is_refused = seen.kind == "refused"
        world.note("stand", "refused" if is_refused else seen.bike)
        run.see(seen)
        seen.note(known)
        if is_refused:
            raise HTTPException(409)
        done.append((*given, now))

    await world.serve("stand", lambda _: app)
    for number, (*given, pause) in enumerate(commands):
        if run.step(f"command {number}"):
            await world.client(given[1]).post(f"http://stand/{given[0]}")
        await world.clock.sleep(pause)
        now += timedelta(seconds=pause)


accepted = of("reserve", "walk_up", "give_back")
LAWS = (
    Law("changed-by-refusal", always, lambda s: not s.spoiled),
    Law("not-a-bike", accepted, lambda s: s.bike in s.bikes),
    Law("bike-has-two", of("reserve", "walk_up"), lambda s: s.is_theirs),
    Law("rider-has-two", accepted, lambda s: s.right),
    Law("never-lapses", of("refused"), lambda s: s.right or not s.lapsed),
    Law("turns-away", of("refused"), lambda s: s.right),
)
CHECK = Check(run=run, seeds=range(100), until=2e6, laws=LAWS, may_raise=(Refused,))
