"""Crash everywhere: how many runs of chapter 06's saga break a promise (none may).

`python -m bench crashes` takes minutes, and writes its counts into measured/06.json.
"""

import datetime as dt
import json
import os
import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any

from bench.measure import MEASURED
from bench.table import Row
from movingparts.scenes.ch06.everywhere import (
    WAYS,
    Tally,
    at_each_point,
    under_faults,
)
from movingparts.scenes.ch06.services import Trouble
from movingparts.scenes.ch06.starting import RIDERS

SEEDS, FEW = range(1, 801), range(1, 51)  # few for what breaks most of them
TROUBLES = {
    "who can't pay": Trouble(poor=("ada",)),
    "whose dock is jammed": Trouble(jammed=("B1",)),
}
FILE = MEASURED / "06.json"


def counted(way: str, how: str, tally: Tally) -> dict[str, Any]:
    """Return the counts of one tally, and which runs broke a promise, from 1."""
    print(f"{way}, {how}: {len(tally.broken)} of {tally.runs} runs break a promise")
    return {
        "way": way,
        "how": how,
        "runs": tally.runs,
        "broken": tally.at,
        "sagas": dict(sorted(tally.ends.items())),
    }


def chunk(way: str, seeds: Sequence[int]) -> Tally:
    """Run a few seeds, in a process of their own."""
    return under_faults(WAYS[way], seeds)


def on_all_cores(way: str, seeds: Sequence[int]) -> Tally:
    """Run all seeds."""
    tally, some = Tally(), [seeds[i : i + 20] for i in range(0, len(seeds), 20)]
    with ProcessPoolExecutor() as pool:
        for found in pool.map(chunk, repeat(way), some):
            tally.merge(found)
            print(f"{way}: {tally.runs} runs, broken: {[*tally.broken]}", flush=True)
    return tally


def counts() -> Iterator[dict[str, Any]]:
    """Crash each way of starting a ride at every point, and then under faults."""
    for way, city in WAYS.items():
        yield counted(way, "each point, one rider", at_each_point(city))
        faulty = on_all_cores(way, SEEDS if way == "saga" else FEW)
        yield counted(way, "two crashes, faults", faulty)
    city = WAYS["saga"]
    for how, trouble in TROUBLES.items():
        yield counted("saga", f"each point, {how}", at_each_point(city, trouble))
    three = at_each_point(city, riders=RIDERS)
    yield counted("saga", "each point, three riders", three)


def rows() -> list[Row]:
    """Count, write the counts down, and compare the saga with the plain calls."""
    found = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    found |= {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": f"{platform.system()} on {platform.machine()}, "
        f"{os.cpu_count()} cores",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "crashes": list(counts()),
    }
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    FILE.write_text(text, "utf-8")
    ours, peer = (
        sum(len(row["broken"]) for row in found["crashes"] if row["way"] == way)
        for way in ("saga", "four calls")
    )
    name = "runs that break a promise: saga / four calls"
    return [Row(name, ours, peer, ours / peer, "<= 0", "runs")]
