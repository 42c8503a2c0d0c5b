"""What a million rides cost if a function waits for two others, and if none waits.

Source: chapter 11; all functions are warm, and take their mean times.
"""

from __future__ import annotations

from movingparts.function.meter import invocation_cost
from movingparts.function.simulated import FULL_CPU_MB

MEMORY_MB, CPU, MAIL = 512, 0.01, 0.2  # of `fares` and `receipts`; seconds


def million(seconds: float, memory_mb: int) -> float:
    """Return what a million warm invocations cost, in dollars."""
    return 1_000_000 * invocation_cost(seconds=seconds, memory_mb=memory_mb)


def own(memory_mb: int) -> float:
    """Return how long a function computes, in seconds."""
    return CPU / min(1.0, memory_mb / FULL_CPU_MB)


def million_rides(bank: float, memory_mb: int) -> tuple[float, float]:
    """Return the cost with calls and with events, if the bank takes so many seconds.

    `memory_mb` is that of the function which calls.
    """
    work = own(MEMORY_MB)
    apart = million(work + bank, MEMORY_MB) + million(work + MAIL, MEMORY_MB)
    below = work + bank + work + MAIL
    return apart + million(own(memory_mb) + below, memory_mb), apart
