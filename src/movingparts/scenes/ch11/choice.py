"""What an answer to exercise 11.1 gets and returns.

Source: chapter 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Load:
    """A day of requests, and what runs them.

    `requests` has the number in each of 24 hours; a request takes `seconds`, in the
    function with `memory_mb` as in a copy with `cpu` and `gb`. In its busiest hour, a
    copy works for the share `busy` of the time at most.
    """

    requests: tuple[int, ...]
    seconds: float
    memory_mb: int
    cpu: float
    gb: float
    busy: float


@dataclass(frozen=True, slots=True)
class Choice:
    """Which one is cheaper, and what each costs in a month, in dollars."""

    cheaper: Literal["function", "service"]
    function: float
    service: float
