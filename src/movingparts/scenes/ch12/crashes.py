"""A crash at the worst moment for a lease and for a list.

Source: chapter 12. Leaves out: other moments, at which riders fail for a shorter time.
"""

from __future__ import annotations

from functools import partial

from movingparts.core import Node, Recording
from movingparts.discovery import Lookup
from movingparts.scenes.ch12.addresses import SERVICE
from movingparts.scenes.ch12.mornings import Find, morning

CRASH = 6.1  # seconds: all leases have been renewed a moment ago


def look(node: Node, *, every: float) -> Find:
    """Find copies by asking the registry every so many seconds."""
    return Lookup(node, SERVICE, seconds=every).copies


def crash(*, lease: float, every: float, seed: int = 1) -> Recording:
    """Crash a copy after it renewed; the app asks once more before the lease ends."""
    return morning(
        partial(look, every=every),
        events=[(CRASH, "crash", (2,))],
        lease=lease,
        looks=(CRASH + lease - 0.2) % every,
        opens=CRASH - 1,
        seconds=14,
        rate=9,
        seed=seed,
    )
