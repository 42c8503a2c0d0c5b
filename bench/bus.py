"""The buses against asyncio.Queue, bare nats-py and FastStream."""

import asyncio
import json
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import nats

from bench.table import Row, interleaved
from movingparts.bus import Event
from movingparts.bus.memory import MemoryBroker
from movingparts.bus.nats import NatsBus, connect
from movingparts.core.node import Tasks
from movingparts.world import SimulatedWorld, simulate
from movingparts.world.local.broker import find_server

IN_MEMORY, IN_WORLD, ON_NATS, WITH_FASTSTREAM = 200_000, 3_000, 20_000, 2_000
SUBJECT = "rides.ended"
EVENT = Event("17", "/rides", "RideEnded", {"bike": 212, "dock": "K4", "minutes": 12})
SIZE = len(EVENT.to_json())
TOKEN = "bench"  # noqa: S105  # of a server that lives for a minute on loopback


class Counter:
    """Counts what arrives, and says when all of it has."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.done = asyncio.Event()

    async def __call__(self, _: Any) -> None:
        """Take one."""
        self.left -= 1
        if self.left == 0:
            self.done.set()


async def rate(
    number: int,
    counter: Counter,
    publish: Callable[[], Awaitable[Any]],
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Publish so many times, wait until all have arrived; events per second.

    Of processor time, which nothing else on this machine takes away; where a broker
    works in a process of its own, of wall time.
    """
    begun = clock()
    for _ in range(number):
        await publish()
    async with asyncio.timeout(60):
        await counter.done.wait()
    return number / (clock() - begun)


def queue() -> float:
    """One task puts, another gets, without a bound: a floor that nothing can pass."""

    async def main() -> float:
        counter, events = Counter(IN_MEMORY), asyncio.Queue[Event]()

        async def consume() -> None:
            for _ in range(IN_MEMORY):
                await counter(await events.get())

        task = asyncio.create_task(consume())
        result = await rate(IN_MEMORY, counter, lambda: events.put(EVENT))
        await task
        return result

    return asyncio.run(main())


def memory() -> float:
    """Publish to one subscriber on a bus with no network."""

    async def main() -> float:
        bus = MemoryBroker().connect("bench", Tasks(print))
        counter = Counter(IN_MEMORY)
        await bus.subscribe(SUBJECT, counter)
        return await rate(IN_MEMORY, counter, lambda: bus.publish(SUBJECT, EVENT))

    return asyncio.run(main())


def durable() -> float:
    """The same through a stream and a durable place: kept, handled, acknowledged."""

    async def main() -> float:
        bus = MemoryBroker().connect("bench", Tasks(print))
        counter = Counter(IN_MEMORY // 10)
        await bus.stream("rides", "rides.>")
        await bus.subscribe(SUBJECT, counter, durable="bench")
        return await rate(IN_MEMORY // 10, counter, lambda: bus.publish(SUBJECT, EVENT))

    return asyncio.run(main())


def in_world(*, kept: bool) -> float:
    """Publish to one subscriber in a simulated world, with a full recording."""

    async def scenario(world: SimulatedWorld) -> float:
        rides, billing = world.node("rides").bus, world.node("billing").bus
        counter = Counter(IN_WORLD)
        if kept:
            await rides.stream("rides", "rides.>")
        await billing.subscribe(SUBJECT, counter, durable="bench" if kept else None)
        return await rate(IN_WORLD, counter, lambda: rides.publish(SUBJECT, EVENT))

    return float(simulate(scenario, seed=1).result)


@contextmanager
def server() -> Iterator[str]:
    """A NATS server with JetStream on a free port of 127.0.0.1."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(find_server(), "-a", "127.0.0.1", "-p", "-1", "-js"),
                *("-sd", folder, "--ports_file_dir", folder, "--auth", TOKEN),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ports = Path(folder, f"nats-server_{process.pid}.ports")
            while not (ports.exists() and ports.read_text()):
                time.sleep(0.001)
            yield json.loads(ports.read_text())["nats"][0]
        finally:
            process.terminate()
            process.wait(5)


def nats_bus(url: str, number: int) -> float:
    """Publish to one subscriber over two connections, events checked at both ends."""

    async def main() -> float:
        buses = [
            NatsBus(await connect(url, token=TOKEN), name, Tasks(print))
            for name in ("rides", "billing")
        ]
        rides, billing = buses
        counter = Counter(number)
        await billing.subscribe(SUBJECT, counter)
        publish = partial(rides.publish, SUBJECT, EVENT)
        result = await rate(number, counter, publish, time.perf_counter)
        for bus in buses:
            await bus.close()
        return result

    return asyncio.run(main())


def bare_nats(url: str) -> float:
    """The same with nats-py alone: as many bytes, which nobody reads or writes."""

    async def main() -> float:
        rides = await nats.connect(url, token=TOKEN)
        billing = await nats.connect(url, token=TOKEN)
        counter, payload = Counter(ON_NATS), os.urandom(SIZE)
        await billing.subscribe(SUBJECT, cb=counter.__call__)
        await billing.flush()
        publish = partial(rides.publish, SUBJECT, payload)
        result = await rate(ON_NATS, counter, publish, time.perf_counter)
        await rides.close()
        await billing.close()
        return result

    return asyncio.run(main())


def json_nats(url: str) -> float:
    """The same with nats-py and json at both ends: no checks, no attributes."""

    async def main() -> float:
        rides = await nats.connect(url, token=TOKEN)
        billing = await nats.connect(url, token=TOKEN)
        counter, body = Counter(ON_NATS), EVENT.to_body()

        async def read(message: Any) -> None:
            await counter(json.loads(message.data))

        await billing.subscribe(SUBJECT, cb=read)
        await billing.flush()
        result = await rate(
            ON_NATS,
            counter,
            lambda: rides.publish(SUBJECT, json.dumps(body).encode()),
            time.perf_counter,
        )
        await rides.close()
        await billing.close()
        return result

    return asyncio.run(main())


def faststream(url: str) -> float:
    """The same with FastStream, whose subscriber takes a dict."""
    from faststream.nats import NatsBroker

    async def main() -> float:
        logging.getLogger("faststream").setLevel(logging.CRITICAL)
        broker = NatsBroker(url, token=TOKEN, logger=None)
        counter, body = Counter(WITH_FASTSTREAM), EVENT.to_body()

        @broker.subscriber(SUBJECT)
        async def take(body: dict[str, Any]) -> None:
            await counter(body)

        async with broker:
            await broker.start()
            publish = partial(broker.publish, body, SUBJECT)
            return await rate(WITH_FASTSTREAM, counter, publish, time.perf_counter)

    return asyncio.run(main())


def rows() -> list[Row]:
    """Return the comparisons."""
    unit = "events/s"
    found = [
        Row(
            "memory bus / asyncio.Queue",
            *interleaved(memory, queue),
            ">= 0.3",
            unit,
            "Runs gave 0.2 to 0.3: without a network, an event takes the same path as"
            " over a simulated one, and a few function calls cost more than a queue.",
        ),
        Row(
            "memory bus, durable / asyncio.Queue",
            *interleaved(durable, queue, rounds=3),
            "",
            unit,
        ),
    ]
    for kept, aim, why in ((False, ">= 0.05", RECORDED), (True, ">= 0.03", KEPT)):
        figures = interleaved(lambda kept=kept: in_world(kept=kept), queue, rounds=3)
        how = "durable, " if kept else ""
        name = f"memory bus in a world ({how}recorded) / asyncio.Queue"
        found.append(Row(name, *figures, aim, unit, why))
    with server() as url:
        ours = lambda: nats_bus(url, ON_NATS)  # noqa: E731  # measured against three peers
        found += [
            # Like with like: an event goes in and an event comes out, as JSON.
            Row(
                "NatsBus / nats-py, json at both ends",
                *interleaved(ours, lambda: json_nats(url)),
                ">= 0.5",
                unit,
            ),
            # The floor: as many bytes, which nobody writes or reads.
            Row(
                f"NatsBus / nats-py, {SIZE} opaque bytes",
                *interleaved(ours, lambda: bare_nats(url)),
                ">= 0.5",
                unit,
                "Bare nats-py takes about 4 us an event in all. To write an event as"
                " JSON takes 2 and to read it by CloudEvents' rules 5: pydantic's JSON"
                " takes a third of that, and takes a name that stands twice."
                " The row above has JSON at both ends.",
            ),
            Row(
                "NatsBus / FastStream",
                *interleaved(ours, lambda: faststream(url), rounds=3),
                ">= 4",
                unit,
                "Six runs gave 3.1 to 4.7: both sides spend most of their time in"
                " Python, and the ratio moves with the machine. Ours holds every event"
                " against CloudEvents' rules, which FastStream's does not.",
            ),
        ]
    return found


RECORDED = (
    "A queue moves a reference, in about 1 us. Here an event becomes JSON, crosses two"
    " links in virtual time, is copied twice, and leaves two messages and two spans:"
    " some 27 us, of which no part has more than a sixth."
)
KEPT = (
    "The same, and two acknowledgments that cross links too, three timers that are set"
    " and withdrawn, and a task each time: some 72 us."
)
