"""What exercise 11.2 calculates with: a function's times, and a platform's terms.

Source: chapter 11.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Work:
    """One run of a function: how long it computes and waits, and what memory it needs.

    Both times are in milliseconds; it computes that long on one whole CPU, in one
    thread.
    """

    computes: int
    waits: int
    needs_mb: int


@dataclass(frozen=True, slots=True)
class Terms:
    """How a platform sizes and bills: memory in MB, the step in milliseconds."""

    sizes: tuple[int, ...]
    full_cpu_mb: int
    step: int
