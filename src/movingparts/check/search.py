"""Running an answer by its check, and finding the smallest run that breaks a law."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from movingparts.check.answer import Answer, Call
from movingparts.check.laws import Broken, Check, Run
from movingparts.check.limits import Limits, seeded
from movingparts.check.verdict import Rejected
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

APART = (
    "A run that had gone well went wrong when it was played again: something is left"
    " of the runs in between. Keep nothing in a global, in an attribute of the class,"
    " or in a mutable default: all objects of a process share that, and nothing saves"
    " it."
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


Found = tuple[Trial | None, Sequence[Any]]  # what breaks a law, and all that was seen


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
        """Return the smallest run that breaks the first law, and what was seen."""
        check = self._check
        if check.cases is not None and check.seen is not None:
            return self._by_cases(check.cases(), check.seen)
        return self._by_runs()

    def _answer(self) -> Answer:
        check = self._check
        return Answer(
            self._thing,
            self._call,
            returns=check.returns,
            wants=check.wants,
            may_raise=check.may_raise,
        )

    def _by_cases(
        self, cases: Iterable[tuple[Any, ...]], look: Callable[..., Any]
    ) -> Found:
        check, answer = self._check, self._answer()
        seen: list[Any] = []
        broken: list[Broken | None] = []
        for arguments in cases:
            self._limits.begin()
            with seeded(0):
                seen.append(look(*arguments, answer(*arguments)))
            broken.append(check.broken(seen[-1]))
        self.changed = answer.changed
        self._see_that_it_forgets(answer, 1)
        found = [each for each in (*broken, check.broken_overall(seen)) if each]
        if not found:
            return None, seen
        first = min(found, key=lambda each: each.place)
        shown = getattr(first.seen, "example", first.seen)
        picture = check.picture(shown) if check.picture else None
        return Trial(0, first, picture), seen

    def _by_runs(self) -> Found:
        failing: list[Trial] = []
        all_seen: list[Any] = []
        for seed in self._check.seeds:
            trial, seen = self._play(seed)
            all_seen += seen
            if trial is not None:
                failing.append(trial)
            if len(failing) >= ENOUGH:
                break
        self._see_that_runs_are_apart(failing)
        return self._smallest(failing) if failing else None, all_seen

    def _see_that_runs_are_apart(self, failing: Sequence[Trial]) -> None:
        """Play the first run again; it goes wrong only if something was left behind."""
        first = self._check.seeds[0]
        went_well = failing and failing[0].seed != first
        if went_well and any(self._again(first, ()) for _ in range(2)):
            raise Rejected("keeps-between-calls", APART)

    def _smallest(self, failing: list[Trial]) -> Trial:
        first = min(failing, key=lambda trial: trial.size)
        if self._fast or first.recording is None:
            return first  # without a recording there is nothing to show smaller
        alike = [each for each in failing if each.broken.name == first.broken.name]
        alike.sort(key=lambda trial: trial.size)
        smaller = [shrunk(self._again, each) for each in alike[:SHRUNK]]
        return min(smaller, key=lambda trial: trial.size)

    def _again(self, seed: int, without: Collection[str]) -> Trial | None:
        return self._play(seed, without)[0]

    def _play(self, seed: int, without: Collection[str] = ()) -> Found:
        """Play one run; what is no answer at all counts behind all laws."""
        check, answer, recording = self._check, self._answer(), None
        run = Run(check, seed, without)
        answer.rejected = run.reject
        self._limits.begin()
        try:
            with seeded(seed):
                recording = _simulated(check, answer, run)
        except ServeError as error:
            raise Rejected("not-a-service", f"It can't be served: {error}.") from None
        except ScenarioStuck as stuck:
            reason = " ".join(str(stuck).split())
            run.nonsense("waits-forever", f"It waits for what never comes: {reason}")
        except TooManyMessages as error:
            run.nonsense("never-returns", f"It never returned: {error}")
        if run.failed is not None:
            raise run.failed
        self._limits.end()
        self.changed = self.changed or answer.changed
        if run.broken is None:
            self._see_that_it_forgets(answer, seed + 1)
        if run.rejected is not None:
            run.nonsense(run.rejected.name, run.rejected.message)
        elif recording and any(each.kind == "until" for each in recording.moments):
            text = f"Nothing had come of it after {check.until:,.0f} virtual s."
            run.nonsense("never-returns", text)
        if run.broken is None:
            return None, run.seen
        faults = [fault.key for fault in recording.faults] if recording else []
        parts = (*run.steps[::-1], *faults)
        return Trial(seed, run.broken, recording, parts), run.seen

    def _see_that_it_forgets(self, answer: Answer, seed: int) -> None:
        with seeded(seed):
            forgets = answer.forgets(self._limits.begin)
        self._limits.end()
        if not forgets:
            raise Rejected("keeps-between-calls", KEEPS)


def _simulated(check: Check, answer: Answer, run: Run) -> Recording:
    """Play a scenario until it ends, or until something is wrong."""
    from movingparts.world.simulated import simulate

    async def play(world: Any) -> None:
        assert check.run is not None  # Check.__post_init__
        scenario: asyncio.Future[Any] = asyncio.ensure_future(  # noqa: TID251  # ends
            check.run(world, answer, run)
        )
        scenario.add_done_callback(lambda _: run.ended.set())
        await run.ended.wait()
        if scenario.done() and not scenario.cancelled() and run.rejected is None:
            scenario.result()  # raises what the scenario has raised
        await world.clock.sleep(REPLY)

    return simulate(
        play,
        seed=run.seed,
        until=check.until,
        without=run.without,
        messages=MESSAGES,
    )


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
