"""The table that the benchmarks print: ratios against a peer or a floor, in one run."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison. `aim` is a bound on the ratio, such as ">= 0.5" or "<= 1.5".

    `why` says, where an aim is known to be missed, what it would take to meet it.
    """

    name: str
    ours: float
    peer: float
    ratio: float
    aim: str
    unit: str
    why: str = ""

    @property
    def met(self) -> str:
        """Whether the ratio keeps the aim; empty where none was set."""
        if not self.aim:
            return ""
        sign, bound = self.aim.split()
        kept = (
            self.ratio >= float(bound) if sign == ">=" else self.ratio <= float(bound)
        )
        return "yes" if kept else "NO"


def number(value: float) -> str:
    """Return a figure with three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def show(rows: Sequence[Row]) -> None:
    """Print the rows under a header, columns in line."""
    lines = [("what", "ours", "peer", "unit", "ratio", "aim", "met")]
    for row in rows:
        figures = (number(row.ours), number(row.peer), row.unit, f"{row.ratio:.2f}")
        lines.append((row.name, *figures, row.aim, row.met))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())
    for row in rows:
        if row.met == "NO":
            print(f"missed: {row.name}. {row.why}".rstrip())


def interleaved(
    ours: Callable[[], float], peer: Callable[[], float], *, rounds: int = 5
) -> tuple[float, float, float]:
    """Measure both in turn; return the median of each and of the ratios of pairs.

    Pairs keep a machine whose speed drifts from deciding the ratio.
    """
    pairs = [(ours(), peer()) for _ in range(rounds)]
    mine, theirs = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    return statistics.median(mine), statistics.median(theirs), ratio


async def per_second(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Return how often `work` is done, one after the other, in a second of processor.

    Whatever else runs on this machine takes nothing away from that second.
    """
    begun = time.process_time()
    for _ in range(times):
        await work()
    return times / (time.process_time() - begun)
