"""Checks exercise 11.6: 200 events, and a bank that is up, down, or never there."""

from collections import Counter
from statistics import mean

from movingparts.check import Check, Law, always
from movingparts.scenes.ch11.outage import DECLINED, ENDS, EVENTS, MAX_AGE, RATE, play

DOWN = (0, 20, 300, 600, 5_000)  # seconds
CALLS = 30  # for each event, while the bank is down
CALM = 60  # from then on, what failed together has had time to spread out
CROWD = 3 * RATE  # calls in one second
LATER = 180  # seconds after the outage
EARLY = 120  # seconds of an event's time that may be left when it is given up


class Seen:
    """What the policy did to the bank, and to the events."""

    def __init__(self, outage):
        self.down, self.again = outage.down, outage.again
        self.ends = min(outage.down, ENDS)
        calls = Counter(event for at, event in outage.calls if at < outage.down)
        self.calls = round(max(calls.values(), default=0))
        crowds = Counter(int(at) for at, _ in outage.calls if at >= CALM)
        self.crowd = max(crowds.values(), default=0)
        self.at = max(crowds, key=crowds.get, default=0)
        gone = [at for each, at in outage.given_up.items() if each >= DECLINED]
        self.early = sum(at < MAX_AGE - EARLY for at in gone)
        self.age = round(min(gone, default=0))
        self.latest = round(max(at for at, _ in outage.calls))
        self.open = EVENTS - DECLINED - len(outage.done) - len(gone)
        self.last = round(max(outage.done.values(), default=0))
        self.after = self.last - self.down
        self.mean = round(mean(outage.done.values()), 1) if outage.done else 0.0
        self.shortest = outage.shortest


async def run(world, answer, run):
    down = DOWN[run.seed % len(DOWN)]
    run.see(Seen(play(answer, down=down, random=world.random)))


def long(seen):
    return seen.down >= 300


LAWS = (
    Law("negative-wait", always, lambda s: s.shortest >= 0),
    Law("retries-what-was-declined", always, lambda s: not s.again),
    Law("retries-at-once", long, lambda s: s.calls <= CALLS * max(1, s.ends / 300)),
    Law("all-at-once", long, lambda s: s.crowd <= CROWD),
    Law("waits-too-long", lambda s: s.last, lambda s: s.after <= LATER),
    Law("gives-up-too-early", always, lambda s: not s.early),
    Law("never-gives-up", always, lambda s: s.latest <= MAX_AGE and not s.open),
)
CHECK = Check(
    run=run,
    seeds=range(10),
    laws=LAWS,
    returns=float | None,
    wants="a number of seconds, or None to give up",
)
