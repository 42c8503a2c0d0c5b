"""Running an answer by its check, and finding the smallest run that breaks a law."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from movingparts.check.answer import Answer, Call
from movingparts.check.laws import Broken, Check, Run
from movingparts.check.limits import Limits, OutOfTime, seeded
from movingparts.check.verdict import Rejected, StillToDo
from movingparts.core import Recording, ScenarioStuck, ServeError, TooManyMessages

MESSAGES = 2_000  # in one run
ENOUGH = 6  # runs that break a law, after which no more are looked for
SHRUNK = 3  # runs that break the first law, which are made smaller
REPLY = 0.005  # seconds in which the last reply arrives
KEEPS = (
    "Called again with the same arguments, it answered something else. The answer must"
    " depend on its arguments alone: not on a global, a mutable default, a clock, or"
    " chance."
)


@dataclass(frozen=True, slots=True)
class Trial:
    """A run, or a case, that breaks a law, and what it takes to break it.

    `parts` are the keys of all that can be left out: the last steps first, then faults.
    """

    seed: int
    broken: Broken
    recording: Recording | None = None
    parts: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int, int, int]:
        """By what two are compared: the law that comes first, then the smaller run."""
        messages = len(self.recording.messages) if self.recording else 0
        return self.broken.place, len(self.parts), messages, self.seed


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found: a broken law, or all that was seen while none broke."""

    trial: Trial | None
    seen: Sequence[Any] = field(default=())


class Search:
    """One check of one answer. With `fast`, the run that is found is not made smaller.

    `run` raises `Rejected` for what can't be checked by laws, `StillToDo` for a
    stub, and `OutOfTime`.
    """

    def __init__(
        self, check: Check, thing: Any, call: Call, limits: Limits, *, fast: bool
    ) -> None:
        self._check, self._thing, self._call = check, thing, call
        self._limits, self._fast = limits, fast
        self.changed = ""
        self._answer()

    def run(self) -> Found:
        """Return the smallest run that breaks the first law, or what was seen."""
        found = self._by_cases() if self._check.cases else self._by_runs()
        if self._limits.out_of_time:
            raise OutOfTime
        if self._limits.refused is not None:
            raise self._limits.refused
        return found

    def _answer(self) -> Answer:
        check = self._check
        return Answer(
            self._thing,
            self._call,
            returns=check.returns,
            wants=check.wants,
            may_raise=check.may_raise,
        )

    # --- inputs -----------------------------------------------------------------

    def _by_cases(self) -> Found:
        check, answer = self._check, self._answer()
        assert check.cases is not None  # Check.__post_init__ has seen to it
        assert check.seen is not None  # as above
        seen, broken = [], []
        for arguments in check.cases():
            self._limits.begin()
            with seeded(0):
                seen.append(check.seen(*arguments, answer(*arguments)))
            broken.append(check.broken(seen[-1]))
        self.changed = answer.changed
        with seeded(1):
            if not answer.forgets(self._limits.begin):
                raise Rejected("keeps-between-calls", KEEPS)
        found = [each for each in (*broken, check.broken_overall(seen)) if each]
        if not found:
            return Found(None, seen)
        first = min(found, key=lambda each: each.place)
        picture = check.picture(_example(first.seen)) if check.picture else None
        return Found(Trial(0, first, picture))

    # --- scenarios ---------------------------------------------------------------

    def _by_runs(self) -> Found:
        failing: list[Trial] = []
        all_seen: list[tuple[int, Any]] = []
        for seed in self._check.seeds:
            run, trial = self._attempt(seed)
            all_seen += [(seed, seen) for seen in run.seen]
            if trial is not None:
                failing.append(trial)
            if len(failing) >= ENOUGH:
                break
        if failing:
            return Found(self._smallest(failing))
        seen = [each for _, each in all_seen]
        broken = self._check.broken_overall(seen)
        if broken is None:
            return Found(None, seen)
        example = _example(broken.seen)
        seed = next((s for s, each in all_seen if each is example), 0)
        _, _, recording = self._play(seed, ())
        return Found(Trial(seed, broken, recording))

    def _smallest(self, failing: list[Trial]) -> Trial:
        failing.sort(key=lambda trial: trial.size)
        if self._fast or failing[0].recording is None:
            return failing[0]  # without a recording there is nothing to show smaller
        name = failing[0].broken.name
        alike = [each for each in failing if each.broken.name == name][:SHRUNK]
        return min(
            (shrunk(self._again, each) for each in alike), key=lambda each: each.size
        )

    def _again(self, seed: int, without: Collection[str]) -> Trial | None:
        return self._attempt(seed, without)[1]

    def _attempt(
        self, seed: int, without: Collection[str] = ()
    ) -> tuple[Run, Trial | None]:
        run, broken, recording = self._play(seed, without)
        if broken is None:
            return run, None
        faults = [fault.key for fault in recording.faults] if recording else []
        parts = (*run.steps[::-1], *faults)
        return run, Trial(seed, broken, recording, parts)

    def _play(
        self, seed: int, without: Collection[str]
    ) -> tuple[Run, Broken | None, Recording | None]:
        """Play one run; what is no answer at all counts behind all laws."""
        from movingparts.world.simulated import simulate

        self._limits.begin()
        run, answer = Run(self._check, seed, without), self._answer()
        stage = _Stage(run, answer, self._check)
        recording, text = None, ""
        try:
            with seeded(seed):
                recording = simulate(
                    stage.play,
                    seed=seed,
                    until=self._check.until,
                    without=without,
                    messages=MESSAGES,
                )
        except ServeError as error:
            raise Rejected("not-a-service", f"It can't be served: {error}.") from None
        except ScenarioStuck as stuck:
            text = f"It waits for what never comes: {' '.join(str(stuck).split())}"
            run.broken = run.broken or self._nonsense("waits-forever", text)
        except TooManyMessages as error:
            text = f"It never returned: {error}"
            run.broken = run.broken or self._nonsense("never-returns", text)
        if isinstance(stage.rejected, StillToDo):
            raise stage.rejected
        if run.failed is not None:
            raise run.failed
        if self._limits.out_of_time:
            raise OutOfTime
        self.changed = self.changed or answer.changed
        with seeded(seed + 1):
            if run.broken is None and not answer.forgets(self._limits.begin):
                raise Rejected("keeps-between-calls", KEEPS)
        if run.broken is None and stage.rejected is not None:
            why = stage.rejected
            run.broken = self._nonsense(why.name, why.message)
        if run.broken is None and recording and _cut_off(recording):
            text = f"Nothing had come of it after {self._check.until:,.0f} virtual s."
            run.broken = self._nonsense("never-returns", text)
        return run, run.broken, recording

    def _nonsense(self, name: str, message: str) -> Broken:
        return Broken(len(self._check.laws), name, message)


class _Stage:
    """A scenario that ends with the first broken law, or when the answer is none."""

    def __init__(self, run: Run, answer: Answer, check: Check) -> None:
        self.rejected: Rejected | StillToDo | None = None
        self._run, self._answer, self._check = run, answer, check
        answer.rejected = self._reject

    def _reject(self, why: Rejected | StillToDo) -> None:
        self.rejected = self.rejected or why
        self._run.ended.set()

    async def play(self, world: Any) -> None:
        """Play the scenario until it ends, or until something is wrong."""
        assert self._check.run is not None  # Check.__post_init__
        scenario = self._check.run(world, self._answer, self._run)
        task = asyncio.ensure_future(_quiet(scenario))  # noqa: TID251  # ends with the run
        task.add_done_callback(lambda _: self._run.ended.set())
        await self._run.ended.wait()
        if task.done() and not task.cancelled():
            error = task.result()
            if error is not None and self.rejected is None:
                raise error
        await world.clock.sleep(REPLY)


async def _quiet(scenario: Any) -> BaseException | None:
    """Return what a scenario raised, instead of reporting it as a task's failure."""
    try:
        await scenario
    except Exception as error:  # noqa: BLE001  # raised again where it is awaited
        return error
    return None


def _cut_off(recording: Recording) -> bool:
    return any(moment.kind == "until" for moment in recording.moments)


def _example(seen: Any) -> Any:
    return getattr(seen, "example", seen)


def shrunk(
    again: Callable[[int, Collection[str]], Trial | None], trial: Trial
) -> Trial:
    """Leave out what can be, as long as the run breaks the same law.

    Half of the parts are tried first, then fewer at a time; in the end none of them
    can be left out.
    """
    left_out: set[str] = set()
    size, found = max(1, len(trial.parts) // 2), True
    while found or size > 1:
        size = size if found else size // 2
        found = False
        parts = trial.parts
        for chunk in (set(parts[n : n + size]) for n in range(0, len(parts), size)):
            if chunk <= set(trial.parts):  # else some of it went with another
                less = again(trial.seed, left_out | chunk)
                if less is not None and less.broken.name == trial.broken.name:
                    left_out |= chunk
                    trial, found = less, True
    return trial


def find_seed(
    scenario: Callable[[Any, Any], Any],
    service: Any,
    seeds: Iterable[int] = range(1_000),
) -> int | None:
    """Return the first seed under which a scenario complains; None if none does.

    `scenario(world, service)` runs in a fresh simulated world for each seed and
    returns what is wrong, or nothing (None, False, an empty text or list).

    >>> async def late(world, limit):
    ...     return world.random.random() > limit
    >>> find_seed(late, 0.9)
    19

    Source: chapter 01. Leaves out: an order in which seeds are tried that learns.
    """
    from movingparts.world.simulated import simulate

    for seed in seeds:
        if simulate(partial(_with, scenario, service), seed=seed).result:
            return seed
    return None


async def _with(scenario: Any, service: Any, world: Any) -> Any:
    return await scenario(world, service)
