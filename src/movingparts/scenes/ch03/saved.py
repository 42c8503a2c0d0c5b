"""One object that many clients use: loaded, changed and saved under a version."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.core import Node
from movingparts.scenes.ch03.refusal import Refused

ATTEMPTS = 20  # to save one turn
DOWN = 1.0  # seconds from a crash to the restart


@dataclass(frozen=True, slots=True)
class Command:
    """One call of a method of the object; `now` is added when it is made.

    >>> str(Command.of("give_back ada bike-1"))
    'give_back(ada, bike-1)'
    """

    method: str
    arguments: tuple[Any, ...]

    @classmethod
    def of(cls, text: str) -> Command:
        """Read a command from words."""
        method, *words = text.split()
        return cls(method, tuple(int(w) if w.isdecimal() else w for w in words))

    def __str__(self) -> str:
        return f"{self.method}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Turn:
    """Commands that one client gives, and that are saved together.

    It comes at `at` seconds, and takes `wait` seconds between load and decision.
    """

    at: float
    wait: float
    commands: tuple[Command, ...]

    @property
    def caller(self) -> str:
        """One request: a list of commands, executed in order."""
        return "desk" if len(self.commands) > 1 else str(self.commands[0].arguments[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: how the object is made, the requests, and when the service crashes."""

    arguments: tuple[Any, ...]
    turns: tuple[Turn, ...]
    crash_at: float | None = None


def scripted(
    arguments: tuple[Any, ...], *turns: tuple[float, *tuple[str, ...]]
) -> Plan:
    """Return a run that is not left to chance.

    A turn has the seconds since the one before, and commands such as "reserve ada".
    """
    made, at = [], 1.0
    for gap, *texts in turns:
        at += gap
        made.append(Turn(at, 0.2, tuple(map(Command.of, texts))))
    return Plan(arguments, tuple(made))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command, when it was given, and its result.

    `value` is what it returned or the refusal; `after_refusal` says whether the object
    was given one before that it refused, and `clean` is the value where it was not.
    """

    command: Command
    now: datetime
    value: Any
    after_refusal: bool = False
    clean: Any = None

    @property
    def refused(self) -> bool:
        """Whether it was refused."""
        return isinstance(self.value, Refused)


class Store:
    """One object, saved with its version and with the books of its rules.

    Beside it is `clean`, which was given no command that was refused; the object itself
    while none was.
    """

    def __init__(self, thing: Any, books: Any) -> None:
        self.version = 1
        self._saved = copy.deepcopy((thing, thing, books))

    def load(self) -> tuple[int, Any, Any, Any]:
        """Return the version, and copies of the object, the clean one, the books."""
        return (self.version, *copy.deepcopy(self._saved))

    def save(self, thing: Any, clean: Any, books: Any) -> None:
        """Save them under the next version."""
        self._saved = copy.deepcopy((thing, clean, books))
        self.version += 1


class Saved:
    """A service around a saved object, and the clients that come to it.

    `ask(thing, command, now)` gives a command to the object and returns the value or
    the refusal; `look(books, outcome)` is shown each outcome with the books before it,
    and returns the books after it.
    """

    def __init__(
        self,
        world: Any,
        name: str,
        store: Store,
        ask: Callable[[Any, Command, datetime], Any],
        look: Callable[[Any, Outcome], Any],
    ) -> None:
        self._world, self._name, self._store = world, name, store
        self._ask, self._look = ask, look
        self._failed: Exception | None = None

    async def live(self, plan: Plan, take: Callable[[str], bool]) -> None:
        """Let all turns of a plan happen, without the commands that are not taken."""
        world, turns, tasks = self._world, [], []
        for number, turn in enumerate(plan.turns):
            keys = [f"turn {number}.{n}" for n in range(len(turn.commands))]
            pairs = zip(keys, turn.commands, strict=True)
            kept = tuple(command for key, command in pairs if take(key))
            turns.append(replace(turn, commands=kept))
        await world.serve(self._name, lambda node: self._service(node, turns))
        if plan.crash_at is not None:
            world.after(plan.crash_at, world.crash, self._name)
            restart = self._restart(plan.crash_at + DOWN)
            world.node("operator").tasks.create_task(restart)
        for number, turn in enumerate(turns):
            if turn.commands:
                post = self._post(number, turn)
                tasks.append(world.node(turn.caller).tasks.create_task(post))
        for task in tasks:
            await task
        if self._failed is not None:
            raise self._failed

    async def _restart(self, seconds: float) -> None:
        await self._world.clock.sleep(seconds)
        await self._world.restart(self._name)

    async def _post(self, number: int, turn: Turn) -> None:
        await self._world.clock.sleep(turn.at)
        what = "+".join(str(command).replace(" ", "") for command in turn.commands)
        client = self._world.client(turn.caller, timeout=None)
        with suppress(httpx.HTTPError):  # it crashed: the client gives up
            url = f"http://{self._name}/{what}"
            await client.post(url, params={"turn": str(number)})

    def _service(self, node: Node, turns: Sequence[Turn]) -> FastAPI:
        app = FastAPI()

        @app.post("/{what}")
        async def work(what: str, turn: int) -> None:
            for _ in range(ATTEMPTS):
                version, thing, clean, books = self._store.load()
                await node.clock.sleep(turns[turn].wait)
                commands = turns[turn].commands
                outcomes, clean = self._outcomes(node, thing, clean, commands)
                if version != self._store.version:
                    self._world.note(node.name, f"version {version} is stale")
                    continue
                try:
                    for outcome in outcomes:
                        books = self._look(books, outcome)
                except Exception as error:
                    self._failed = error  # of the check: it must not look like a 500
                    raise
                if all(outcome.refused for outcome in outcomes):
                    raise HTTPException(409)
                self._store.save(thing, clean, books)
                return
            raise HTTPException(503)

        return app

    def _outcomes(
        self, node: Node, thing: Any, clean: Any, commands: Iterable[Command]
    ) -> tuple[list[Outcome], Any]:
        """Give commands to an object and to a fresh copy; return the copy too."""
        outcomes: list[Outcome] = []
        now = node.clock.now()
        for command in commands:
            before = copy.deepcopy(clean)
            value = also = self._ask(thing, command, now)
            if clean is not thing:
                also = self._ask(clean, command, now)
            outcomes.append(Outcome(command, now, value, clean is not thing, also))
            self._world.note(node.name, f"{command.method}: {_shown(value)}")
            if isinstance(value, Refused):
                clean = before
        return outcomes, clean


def _shown(value: Any) -> str:
    if isinstance(value, Refused):
        return "refused"
    return "done" if value is None else f"{value}"


def copies(thing: Any) -> str:
    """Return why an object can't be saved; "" if it can."""
    try:
        copy.deepcopy(thing)
    except Exception as error:  # noqa: BLE001  # attributes may be anything
        return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
    return ""


def drawn(
    arguments: tuple[Any, ...], rng: Any, seed: int, gaps: Collection[float], draw: Any
) -> Plan:
    """Return a run of chance; `draw()` returns a command.

    Later seeds have more turns, then crashes (from 20), then lists (from 40).
    """
    turns, at = [], 1.0
    for _ in range(3 + seed // 8):
        at += rng.choice(tuple(gaps)) * (0.9 + 0.2 * rng.random())
        several = 1 + rng.randrange(3) if seed >= 40 else 1
        commands = tuple(draw() for _ in range(several))
        turns.append(Turn(at, 0.2 + rng.random(), commands))
    crash_at = at * rng.random() if seed >= 20 and seed % 2 else None
    return Plan(arguments, tuple(turns), crash_at)
