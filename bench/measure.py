"""Measure what pages show of a real machine, into bench/measured (`make measure`).

Each file names the kind of machine (never its name), the Python and the day. With the
numbers of chapters (`python -m bench --measure 03`), only theirs are measured.
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from bench import eventstore, function, peak, sidecars, store
from movingparts.measure.latency import percentile
from movingparts.scenes.ch01.one_ride import fare
from movingparts.world import LocalWorld

MEASURED = Path(__file__).parent / "measured"
CALLS = 3_000
CLIENTS = 16
SECONDS = 3.0  # of load, for each number of workers and round
ROUNDS = 4
WORK = 0.005  # seconds of a core's time for each request of that load


def row(what: str, value: float, unit: str) -> dict[str, Any]:
    """One line of a file: three digits that mean something."""
    return {"what": what, "value": float(f"{value:.3g}"), "unit": unit}


def chapter_01() -> list[dict[str, Any]]:
    """A price by a function call and by a request; what a second worker adds."""
    calls, times = [], []
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):  # and then the best: what else runs here only slows
        calls.append(function_call())
        times.append(asyncio.run(requests()))
        for count, found in rates.items():
            found.append(asyncio.run(workers(count)))
    best = min(times, key=lambda samples: percentile(samples, 50))
    return [
        row("fare(12), a function call, p50", min(calls), "µs"),
        *(
            row(f"GET /quotes over loopback, p{p}", percentile(best, p), "µs")
            for p in (50, 95, 99)
        ),
        *(
            row(f"requests of {WORK * 1000:g} ms, uvicorn --workers {n}", max(r), "/s")
            for n, r in rates.items()
        ),
    ]


def function_call() -> float:
    """The microseconds that one call of `fare` takes, in the median of many loops."""
    loops = []
    for _ in range(200):
        begun = time.perf_counter()
        for _ in range(1_000):
            fare(12)
        loops.append((time.perf_counter() - begun) * 1_000)
    return percentile(loops, 50)


async def requests() -> list[float]:
    """The microseconds of requests to a process of its own, one after the other."""
    times = []
    async with LocalWorld() as world:
        pricing = await world.spawn(
            "pricing", "movingparts.scenes.ch01.one_ride:pricing"
        )
        async with httpx.AsyncClient() as client:
            for number in range(CALLS + 200):
                begun = time.perf_counter()
                await client.get(f"{pricing.url}/quotes?minutes=12")
                if number >= 200:  # the first ones open connections and fill caches
                    times.append((time.perf_counter() - begun) * 1e6)
    return times


def work() -> FastAPI:
    """An app whose one answer takes computing, which no event loop can hide."""
    app = FastAPI()

    @app.get("/")
    async def answer() -> str:
        until = time.thread_time() + WORK
        while time.thread_time() < until:
            pass
        return "done"

    return app


async def workers(count: int) -> float:
    """The requests a second that so many uvicorn workers answer."""
    async with served(count) as port:
        ends = time.perf_counter() + SECONDS
        clients = [asyncio.create_task(ask(port, ends)) for _ in range(CLIENTS)]
        return sum([await client for client in clients]) / SECONDS


@contextlib.asynccontextmanager
async def served(count: int) -> AsyncIterator[int]:
    """Run `work` under uvicorn; give its port once all that is needed answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "bench.measure:work", "--factory"]
    options = ["--workers", str(count), "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen([*command, *options], start_new_session=True)
    try:
        for _ in range(200):
            await asyncio.sleep(0.05)
            with contextlib.suppress(OSError):
                await ask(port, 0)
                break
        await asyncio.sleep(2.0)  # the other workers start beside the first
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


async def ask(port: int, ends: float) -> int:
    """Ask over and over until the time is over; return how often.

    Each time over a new connection: a worker that is free takes the next one, while
    connections that stay open stay with whoever took them first.
    """
    done = 0
    while done == 0 or time.perf_counter() < ends:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
        await reader.read()
        done += 1
        writer.close()
        await writer.wait_closed()
    return done


def chapter_03() -> list[dict[str, Any]]:
    """Commands to an aggregate, and what units of work save of it a second."""
    measures = {
        "reserve, collect, offer: a Stand, with events": store.aggregate,
        "reserve, collect, offer: dictionaries": store.dictionaries,
    }
    for level, times in store.COMMITS.items():
        here, how = partial(store.units_of_work, level), f"synchronous={level}"
        tables = partial(here, store.in_tables, times // store.ON_TABLES)
        measures |= {
            f"SQLite, its bytes as they are, {how}": partial(store.sqlite_alone, level),
            f"SQLite and json by hand, {how}": partial(store.by_hand, level),
            f"unit of work on rows, {how}": here,
            f"unit of work on tables (SQLAlchemy), {how}": tables,
        }
    found: dict[str, list[float]] = {what: [] for what in measures}
    for _ in range(2 * ROUNDS):  # and then the best: what else runs here only slows
        for what, measure in measures.items():
            found[what].append(measure())
    return [row(what, max(values), "/s") for what, values in found.items()]


CHAPTERS: dict[str, Callable[[], list[dict[str, Any]] | dict[str, Any]]] = {
    "01": chapter_01,
    "03": chapter_03,
    "07": peak.chapter_07,
    "08": eventstore.chapter_08,
    "11": function.chapter_11,
    "12": sidecars.chapter_12,
}


def here() -> dict[str, Any]:
    """Return the day and the kind of machine, which each file names."""
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": f"{platform.system()} on {platform.machine()}, "
        f"{os.cpu_count()} cores",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def main() -> int:
    """Measure and write the files, or those named; 0 when all were written."""
    MEASURED.mkdir(exist_ok=True)
    for name in [name for name in sys.argv[1:] if name in CHAPTERS] or CHAPTERS:
        rows = CHAPTERS[name]()
        found = here() | (rows if isinstance(rows, dict) else {"rows": rows})
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        (MEASURED / f"{name}.json").write_text(text, "utf-8")
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
