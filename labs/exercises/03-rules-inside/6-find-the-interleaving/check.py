"""Checks exercise 3.6: what comes of the handlers' steps in the answer's order."""

from collections import Counter

from movingparts.check import Check, Law, always
from movingparts.scenes.ch03.interleaving import EVENINGS, Stand, play

NAMES = tuple(EVENINGS)  # by seed
FEWEST = 6  # steps of ada and bob, the shortest two of "three"


class Scheduled:
    """An evening, a schedule for it, and what came of it if it could be run."""

    def __init__(self, evening, schedule):
        self.evening, self.schedule = evening, list(schedule)
        self.count, self.stand = len(self.schedule), Stand()
        plans = EVENINGS[evening]
        self.plans = "; ".join(f"{r}: {', '.join(s)}" for r, s in plans.items())
        self.known, self.due, taken = True, "", Counter()
        for entry in self.schedule:
            rider, _, step = entry.partition(" ")
            self.entry, self.rider = entry, rider
            self.known = step in plans.get(rider, ())
            left = [*plans.get(rider, ())][taken[rider] :]
            taken[rider] += 1
            if left[:1] != [step]:
                self.due = f"`{left[0]}`" if left else "none"
                break
        riders = [entry.partition(" ")[0] for entry in self.schedule]
        turns = [r for n, r in enumerate(riders) if n == 0 or riders[n - 1] != r]
        self.serial = len(turns) == len(set(turns)) > 1

    @property
    def asked(self):
        """Which evening it was."""
        return f'In `schedule("{self.evening}")`'

    @property
    def told(self):
        """What the riders were told."""
        given = " and ".join(self.stand.given) or "nobody"
        said = f"{given} {'were' if len(self.stand.given) > 1 else 'was'} given B7"
        refused = " and ".join(self.stand.refused)
        return f"{said}, and {refused} was refused" if refused else said


async def run(world, answer, run):
    """Ask for the schedule of one evening, and run it."""
    evening = NAMES[run.seed]
    seen = Scheduled(evening, answer(evening))
    if not seen.due:
        seen.stand = await play(world, evening, seen.schedule)
    run.see(seen)


def broken(seen):
    return len(seen.stand.given) > 1


CHECK = Check(
    run=run,
    seeds=range(len(NAMES)),
    returns=list[str],
    wants='a list such as `["ada look", "ada ask", "bob look"]`',
    laws=(
        Law("no-such-step", always, lambda s: s.known),
        Law("steps-out-of-order", always, lambda s: not s.due),
        Law("one-after-the-other", lambda s: s.serial and s.stand.refused, broken),
        Law("looks-too-late", lambda s: s.stand.refused, broken),
        Law("stops-too-early", always, broken),
        Law(
            "not-the-shortest",
            lambda s: s.evening == "three",
            lambda s: s.count == FEWEST,
        ),
    ),
)
