"""One line that says how far a long run is, and what it has done so far."""

import sys
import time
from collections import Counter

from tools.dev.progress import EVERY, clock


class Bar:
    """One line: rewritten on a terminal, elsewhere a new one now and then."""

    def __init__(self, rounds: int, unit: str = "kills") -> None:
        self._rounds, self._unit = rounds, unit
        self._began, self._last = time.monotonic(), -EVERY

    def show(self, kills: Counter[str]) -> None:
        """Print how far it is, and who was killed."""
        tally = ", ".join(f"{name} {n}" for name, n in sorted(kills.items()))
        self.draw(kills.total(), f"; {tally}")

    def draw(self, done: int, tally: str = "") -> None:
        """Print how far it is."""
        now, here = time.monotonic() - self._began, sys.stdout.isatty()
        if not here and now - self._last < EVERY and done < self._rounds:
            return
        self._last = now
        full = round(30 * done / self._rounds)
        left = now / done * (self._rounds - done) if done else 0.0
        text = (
            f"[{'#' * full}{'.' * (30 - full)}] {done:,} of {self._rounds:,}"
            f" {self._unit}, {clock(now)}, about {clock(left)} left{tally}"
        )
        end = "" if here and done < self._rounds else "\n"
        print(f"\r{text}\x1b[K" if here else text, end=end, flush=True)  # the bar
