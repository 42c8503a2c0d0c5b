"""Contention: how often those who change one aggregate get in each other's way.

Actors come at random, each reads an aggregate, thinks, changes it and commits, and
begins again where somebody was faster. Time is virtual, and chance has a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from movingparts.core import Recording
from movingparts.core.random import Exponential, Latency, latency, stream
from movingparts.core.recording import Fate
from movingparts.repository import MemoryRows, Rows, StaleVersion
from movingparts.unit_of_work import RowStore, UnitOfWork, execute
from movingparts.world.simulated import SimulatedWorld, simulate


@dataclass(frozen=True, slots=True)
class Load:
    """Who makes requests, and what they change.

    `actors` come at random, `per_second` on average; None is: all at once. Each changes
    one of `aggregates`: so many, each as likely, or a list of how likely each is.
    `think` is the time from a read to its commit, in seconds, or how it is distributed.
    After so many `attempts` an actor gives up. Raises `ValueError` for what is no load.

    >>> Load(aggregates=4, per_second=10.0, think=0.2).crowding
    0.5
    """

    aggregates: int | Sequence[float] = 1
    per_second: float | None = 10.0
    think: float | Latency = 0.2
    actors: int = 300
    attempts: int = 10

    def __post_init__(self) -> None:
        weights = self.weights
        if self.actors < 1 or self.attempts < 1:
            raise ValueError(f"needs an actor, and an attempt: {self!r}")
        if not weights or min(weights) < 0 or not sum(weights) > 0:
            raise ValueError(f"needs an aggregate that is chosen: {self!r}")
        if self.per_second is not None and not self.per_second > 0:
            raise ValueError(f"per_second is over 0, or None: {self!r}")

    @property
    def weights(self) -> Sequence[float]:
        """How likely each aggregate is chosen, relative to the others."""
        several = self.aggregates
        return [1.0] * several if isinstance(several, int) else several

    @property
    def crowding(self) -> float:
        """How many others come to an aggregate, on average, while somebody thinks.

        Of those who try once, crowding / (1 + crowding) are too late where all think
        equally long and each aggregate is as likely. Raises `ValueError` elsewhere.
        """
        if not isinstance(self.think, int | float) or self.per_second is None:
            raise ValueError(f"needs seconds to think, and a rate: {self!r}")
        return self.per_second * self.think / len(self.weights)


@dataclass(frozen=True, slots=True)
class Contention:
    """The result of a load: attempts, and how many of them were too late.

    `waited` is how long each actor took who got through, in virtual seconds, in the
    order in which they came; `gave_up` counts the others.

    >>> Contention(attempts=6, conflicts=3, waited=(0.2, 0.4, 0.6))
    <Contention: 3 of 6 attempts too late (50.0%), nobody gave up>
    """

    attempts: int
    conflicts: int
    waited: tuple[float, ...]
    gave_up: int = 0
    recording: Recording | None = field(default=None, repr=False, compare=False)

    @property
    def rate(self) -> float:
        """The share of the attempts that found the aggregate changed, from 0 to 1."""
        return self.conflicts / self.attempts

    def __repr__(self) -> str:
        late = f"{self.conflicts:,} of {self.attempts:,} attempts too late"
        gave_up = f"{self.gave_up:,} gave up" if self.gave_up else "nobody gave up"
        return f"<Contention: {late} ({self.rate:.1%}), {gave_up}>"


def contend(load: Load, *, seed: int, rows: Rows | None = None) -> Contention:
    """Put a load on aggregates in a new simulated world, and count.

    They are kept in memory, or in other `rows`. In the recording each read and each
    commit is a message from an actor to an aggregate; a commit too late is refused.

    >>> contend(Load(actors=3, per_second=None), seed=7)
    <Contention: 3 of 6 attempts too late (50.0%), nobody gave up>

    Source: chapter 03; Fowler 2002 (optimistic offline lock). Leaves out: the time
    that a read and a commit take, and a pause before the next attempt.
    """
    recording = simulate(lambda world: contending(world, load, rows), seed=seed)
    found: Contention = recording.result
    return replace(found, recording=recording)


async def contending(
    world: SimulatedWorld, load: Load, rows: Rows | None = None
) -> Contention:
    """Put a load on aggregates in a world that runs already, and count."""
    store = RowStore(MemoryRows() if rows is None else rows)
    keys = [f"aggregate-{n}" for n in range(1, len(load.weights) + 1)]
    work = store.begin()
    for key in keys:
        work.of(Tally).add(Tally(key)).change("nobody")
    await work.commit()
    actors = [Actor(world, load, n) for n in range(1, load.actors + 1)]
    tasks, owner, at_us = [], world.node("actors").tasks, 0
    for actor in actors:
        if load.per_second is not None:
            at_us += Exponential(1 / load.per_second).draw(actor.rng)
        actor.key = actor.rng.choices(keys, load.weights)[0]
        tasks.append(owner.create_task(actor.come(store, at_us / 1_000_000)))
    for task in tasks:
        await task
    waited = tuple(actor.took for actor in actors if actor.took is not None)
    attempts, through = sum(actor.attempts for actor in actors), len(waited)
    return Contention(attempts, attempts - through, waited, load.actors - through)


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody has changed it."""

    by: str


@dataclass(eq=False)
class Tally:
    """An aggregate that counts its changes, and so is at version `changes`.

    >>> tally = Tally("aggregate-1")
    >>> tally.change("actor-1")
    >>> tally.changes, tally.events
    (1, [Changed(by='actor-1')])
    """

    key: str
    changes: int = 0

    def __post_init__(self) -> None:
        self.events: list[Changed] = []

    def change(self, by: str) -> None:
        """Change it."""
        self.changes += 1
        self.events.append(Changed(by))


class Actor:
    """Somebody who changes one aggregate once; `took` is None until it is done."""

    def __init__(self, world: SimulatedWorld, load: Load, number: int) -> None:
        self.world, self.load, self.name = world, load, f"actor-{number}"
        self.rng = stream(world.seed, "actor", number)
        self.key, self.version, self.attempts = "", 0, 0
        self.took: float | None = None

    async def come(self, store: RowStore, at: float) -> None:
        """Come at that time, and try until it is done or there have been too many."""
        clock = self.world.clock
        await clock.sleep(at)
        begun = clock.time_us()
        try:
            await execute(store, self._change, attempts=self.load.attempts)
        except StaleVersion:
            self._note("commit on", "refused")
            return
        self._note("commit on", "delivered")
        self.took = (clock.time_us() - begun) / 1_000_000

    async def _change(self, work: UnitOfWork) -> None:
        if self.attempts:
            self._note("commit on", "refused")
        self.attempts += 1
        tally = await work.of(Tally).get(self.key)
        self.version = tally.changes
        self._note("read", "delivered")
        think_us = latency(self.load.think).draw(self.rng)
        await self.world.clock.sleep(think_us / 1_000_000)
        tally.change(self.name)

    def _note(self, what: str, fate: Fate) -> None:
        now, label = self.world.clock.time_us(), f"{what} version {self.version}"
        rest = {"label": label, "sent_us": now, "arrived_us": now, "fate": fate}
        recorder = self.world.network.recorder
        recorder.message("request", self.name, self.key, **rest)
