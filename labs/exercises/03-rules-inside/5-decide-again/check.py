"""Checks exercise 3.5: cars that come and go at one site at the same moment."""

import json

from movingparts.check import Check, Law, always, never
from movingparts.scenes.ch03.charging import Save, Site, send, serve
from movingparts.scenes.ch03.refusal import Refused

LATE = {2: 2, 3: 1_000}  # by seed: so many saves come too late, whatever a car does


class Seen:
    """What a car's request has done: after each statement, and when it has ended."""

    def __init__(self, db, kw, value=None, *, ended=False):
        self.car, self.ended, self.reason = db.car, ended, str(value)
        self.refused = isinstance(value, Refused)
        saves = [each for each in db.log if isinstance(each, Save)]
        reads = [each for each in db.log if not isinstance(each, Save)]
        texts = [decided(state, self.car, kw) for _, state in reads]
        self.decisions, self.room = len(reads), bool(texts and texts[-1])
        self.read, self.known = reads[-1] if reads else (0, "{}")
        self.saved = any(save.changed > 0 for save in saves)
        self.tries = sum(save.changed == 0 for save in saves)
        self.why = "the `UPDATE` changed no row" if saves else "it sent no `UPDATE`"
        if reads and not self.room:
            self.why = "`site.start` refused it, so `start` has to raise `Refused`"
        if saves and not ended:
            others = [n for n, each in enumerate(db.log[:-1]) if each in saves]
            self.reads = (
                len(db.log) - 2 - max(others, default=-1)
            )  # since the last save
            self.version, self.before = saves[-1].before
            new, self.after = saves[-1].after
            self.stays = self.version == self.read == new
            self.from_start = self.after in texts
        self.writes = not ended and saves[-1].changed > 0

    @property
    def lost(self):
        """Say which other car's change a save has undone."""
        if not self.from_start:
            return f"the row is now {self.after!r}"
        was, now = json.loads(self.before).keys(), json.loads(self.after).keys()
        gone = [f"{other} had started, and is gone" for other in sorted(was - now)]
        back = sorted(now - was - {self.car})
        return " and ".join(gone + [f"{other} had left, and is back" for other in back])


def decided(state, car, kw):
    """Return what `site.start` returns for a state; None where it refuses."""
    try:
        return Site(json.loads(state)).start(car, kw)
    except Refused:
        return None


async def run(world, answer, run):
    """Let cars arrive at one site while another one leaves."""

    async def start(db, kw):
        db.late, db.saved = LATE.get(run.seed, 0), lambda db: run.see(Seen(db, kw))
        value = await answer.awaited(db, db.car, kw)
        run.see(Seen(db, kw, value, ended=True))
        return not isinstance(value, Refused)

    await serve(world, start)
    cars = [f"car-{n}" for n in range(2 if run.seed < 4 else 3 + run.seed // 8)]
    for car in cars[run.seed < 4 :]:
        wait, kw = 0.02 * world.random.random(), world.random.choice((7, 11))
        method = "POST" if car != "car-0" else "DELETE"
        if run.step(car):
            work = send(world, method, car, wait, kw)
            world.node(car).tasks.create_task(work)
    await world.clock.sleep(60.0)


def overwrites(seen):
    return seen.writes and seen.lost


LAWS = (
    Law("wrong-state", lambda s: s.writes, lambda s: s.from_start),
    Law("version-stays", lambda s: s.writes, lambda s: not s.stays),
    Law("version-read-again", lambda s: overwrites(s) and s.reads > 1, never),
    Law("decides-once", lambda s: overwrites(s) and s.tries, never),
    Law("no-version-check", overwrites, never),
    Law("never-reads-again", lambda s: not s.ended and s.tries, lambda s: s.reads),
    Law("retries-forever", always, lambda s: s.tries <= 12),
    Law("ignores-the-count", lambda s: s.ended and not s.refused, lambda s: s.saved),
    Law("saved-yet-refused", lambda s: s.refused, lambda s: not s.saved),
    Law("turned-away", lambda s: s.refused and not s.tries, lambda s: not s.room),
    Law("gives-up", lambda s: s.refused and s.decisions < 3, lambda s: not s.room),
)
CHECK = Check(run=run, seeds=range(24), laws=LAWS, may_raise=(Refused,))
