"""Riders who want the same bike at nearly the same moment."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial

from fastapi import FastAPI

from movingparts.core import Node, Recording
from movingparts.core.node import Factory, current_span
from movingparts.core.random import Uniform
from movingparts.scenes.ch03.last_bike import agrees
from movingparts.world.simulated import SimulatedWorld, simulate

Service = Callable[..., FastAPI]
PAIRS: Mapping[str, Mapping[str, str]] = {
    "two reservations": {"ada": "reservations", "bob": "reservations"},
    "a reservation, a walk-up": {"ada": "reservations", "bob": "walk-ups"},
    "two walk-ups": {"ada": "walk-ups", "bob": "walk-ups"},
}


def race(
    service: Service,
    commands: Mapping[str, str],
    *,
    seed: int,
    within: float = 0.01,
    afterward: Mapping[str, str] | None = None,
) -> Recording:
    """Let each rider send a command within so many seconds, and record what happens.

    `commands` names the command of each rider; those of `afterward` follow one by one.
    The result names the bike that each was given, or says "refused". Notes say what
    `service` reads and saves for whom, and how each rider is answered.

    >>> from movingparts.scenes.ch03.last_bike import anemic
    >>> race(anemic, PAIRS["two reservations"], seed=1).result
    {'ada': 'B7', 'bob': 'B7'}
    """

    async def scenario(world: SimulatedWorld) -> dict[str, str]:
        await _open(world, service, commands or afterward or {})
        tasks = world.node("city").tasks
        sent = {}
        for rider, command in commands.items():
            late = world.random.random() * within
            sent[rider] = tasks.create_task(_send(world, rider, command, late))
        answers = {rider: await answer for rider, answer in sent.items()}
        for rider, command in (afterward or {}).items():
            answers[rider] = await _send(world, rider, command, 0.01)
        return answers

    run = simulate(scenario, seed=seed)
    if commands:  # what follows is asked, not shown
        run.spans = [span for span in run.spans if span.peer not in (afterward or {})]
    return run


def given_twice(service: Service, pair: str, runs: int = 10) -> int:
    """Return in how many runs both riders of one of the `PAIRS` get a bike."""
    found = [race(service, PAIRS[pair], seed=seed).result for seed in range(runs)]
    return sum("refused" not in answers.values() for answers in found)


def in_turn(service: Service, commands: Mapping[str, str], *, seed: int) -> Recording:
    """Let the riders send their commands one after another, and record what happens."""
    return race(service, {}, seed=seed, afterward=commands)


async def _open(
    world: SimulatedWorld, service: Service, riders: Collection[str]
) -> None:
    world.network.everywhere(latency=Uniform(0.002, 0.008))
    for name in ("riders", "billing", "fleet"):
        await world.serve(name, agrees)
    await world.serve("availability", _noted(service, world, riders))


async def _send(world: SimulatedWorld, rider: str, command: str, late: float) -> str:
    await world.clock.sleep(late)
    address = f"http://availability/{command}"
    reply = await world.client(rider).post(address, json={"rider_id": rider})
    bike: str = reply.json() if reply.status_code == 200 else "refused"
    world.note(rider, f"gets {bike}" if bike != "refused" else "is refused")
    return bike


STAND = re.compile(r"(?:stand_id|key) = '(S\d\d)'|\('(S\d\d)'")


def _noted(service: Service, world: SimulatedWorld, riders: Collection[str]) -> Factory:
    """Return a service that has it noted which of the riders reads and saves what."""

    def make(node: Node) -> FastAPI:
        notes = _Notes(partial(world.note, node.name), riders)
        db = node.disk.connect()
        app: FastAPI = service(node, db=db)
        db.set_trace_callback(notes.statement)
        return app

    return make


class _Notes:
    """Turns SQL statements into notes on who reads and saves which stands."""

    def __init__(self, note: Callable[[str], None], riders: Collection[str]) -> None:
        self._note, self._riders = note, riders
        self._rider = ""
        self._written: list[str] = []  # in the transaction under way
        # What the rider did at this moment, and is not noted yet.
        self._read: list[str] = []
        self._saved: list[str] = []
        self._late: list[str] = []

    def statement(self, sql: str) -> None:
        """Take in a statement that runs for the request under way."""
        work = current_span.get()
        if work is None or work.peer not in self._riders:
            return
        if work.peer != self._rider:
            self._moment()
            self._rider = work.peer
        word, stands = sql.partition(" ")[0], ["".join(s) for s in STAND.findall(sql)]
        if word == "SELECT":
            self._read += stands
        elif word == "BEGIN":
            self._written = []
        elif word == "COMMIT":
            if self._saved:
                self._moment()
            self._saved = self._written
        elif word == "ROLLBACK":
            self._late = self._written[-1:]
        else:
            self._written += stands
        asyncio.get_running_loop().call_soon(self._moment)

    def _moment(self) -> None:
        """Note what the rider did at one moment, in as few words as a figure has room.

        Whoever is too late reads again at once: that needs no note of its own.
        """
        stands = (self._read, self._saved, self._late)
        read, saved, late = (" and ".join(names) for names in stands)
        if late:
            did = [f"saves {saved}, not {late}" if saved else "is too late"]
        elif read == saved:
            did = [f"reads and saves {saved}"] if saved else []
        else:
            words = (("reads", read), ("saves", saved))
            did = [f"{word} {names}" for word, names in words if names]
        for each in did:
            self._note(f"{self._rider} {each}")
        self._read, self._saved, self._late = [], [], []
