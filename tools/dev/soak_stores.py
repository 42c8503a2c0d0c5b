"""Kill what writes to an event store again and again, and count what is lost.

`make soak` kills 500 times for each store, `make soak SOAK=20` 20 times. `python -m
tools.dev.soak_stores 20 --break early` shows what is found when a writer notes each
append before it is made; with `torn`, when it appends event by event.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from tools.dev.bar import Bar
from tools.dev.killed_stores import BREAKS, VICTIMS, KilledStore
from tools.dev.soak import victims

LATEST = 0.05  # seconds from a round's begin to its kill, at most


async def soak(kind: str, rounds: int, seed: int, broken: str = "") -> list[str]:
    """Run all rounds, print a tally, and return what is wrong."""
    running, bar = KilledStore(kind, broken), Bar(rounds)
    try:
        await running.open()
        for victim, after in victims(VICTIMS[kind], rounds, seed, LATEST):
            await running.round(victim, after)
            bar.show(running.kills)
        wrong = await running.found()
    finally:
        await running.close()
    acknowledged = sum(running.acknowledged.values())
    events = running.followed.events
    print(f"{kind}: {acknowledged:,} events acknowledged, {events:,} in the log")
    return wrong + [f"left behind: {what}" for what in running.left()]


def main() -> int:
    """Run; 0 when every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("rounds", type=int, nargs="?", default=500)
    parser.add_argument("--store", choices=VICTIMS, action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="broken", choices=("", *BREAKS), default="")
    given = parser.parse_args()
    wrong = []
    for kind in given.store or VICTIMS:
        wrong += asyncio.run(soak(kind, given.rounds, given.seed, given.broken))
    for what in wrong:
        print(f"broken: {what}")  # the verdict
    if not wrong:
        print("no acknowledged event lost, no half append seen, nothing left")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
