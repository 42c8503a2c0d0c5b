"""The table of laws of an exercise: what must hold of whatever an answer does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from movingparts.check.verdict import Rejected, StillToDo

if TYPE_CHECKING:
    from movingparts.check.answer import Answer
    from movingparts.core import Recording


def always(seen: Any) -> bool:
    """Return True: the law applies to all that is seen."""
    return True


def never(seen: Any) -> bool:
    """Return False: the law is broken wherever it applies."""
    return False


def of(*kinds: str) -> Callable[[Any], bool]:
    """Return when a law applies: to what is seen in runs of some kinds."""
    return lambda seen: seen.kind in kinds


@dataclass(frozen=True, slots=True)
class Law:
    """What must hold, and when it applies; its name is the misconception it catches.

    `when` and `holds` get what a check has seen: for a case, whatever `seen` made of
    it; for a run, whatever was passed to `run.see`; with `overall`, whatever
    `Check.overall` made of all of that together. `exercise.md` has one paragraph for
    each law, which can name attributes of it in braces.

    >>> law = Law("loses-a-cent", always, lambda shares: sum(shares) == 1000)
    >>> law.broken_by([333, 333, 333])
    True
    """

    name: str
    when: Callable[[Any], object]
    holds: Callable[[Any], object]
    overall: bool = False

    def broken_by(self, seen: Any) -> bool:
        """Return whether the law applies and does not hold."""
        return bool(self.when(seen)) and not self.holds(seen)


@dataclass(frozen=True, slots=True)
class Broken:
    """A law that was broken, by what, and its place in the table."""

    place: int
    name: str
    seen: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How an exercise is checked: inputs or a scenario, and laws in order.

    With `cases`, the answer is called with the arguments of each case, and
    `seen(*arguments, value)` makes what laws look at. With `run`, a scenario
    `run(world, answer, run)` is played under each of `seeds`, for `until` virtual
    seconds at most, and says itself what there is to look at (`run.see`). The first
    law in order that is broken names the misconception.

    `returns` is the type of the answer's value, and `wants` says that in words.
    Exceptions in `may_raise` are values too. `overall` makes one thing to look at of
    all that was seen of cases; its attribute `example` may say which to show.
    `picture(seen)` records a run that shows a case. `praise(all_seen)` returns what
    the paragraph *Passed* of `exercise.md` names in braces; it always has `count`.
    """

    laws: tuple[Law, ...]
    cases: Callable[[], Iterable[tuple[Any, ...]]] | None = None
    seen: Callable[..., Any] | None = None
    run: Callable[[Any, Answer, Run], Any] | None = None
    seeds: Sequence[int] = range(40)
    until: float = 3_600.0
    returns: Any = Any
    wants: str = ""
    may_raise: tuple[type[BaseException], ...] = ()
    overall: Callable[[Sequence[Any]], Any] | None = None
    picture: Callable[[Any], Recording | None] | None = None
    praise: Callable[[Sequence[Any]], dict[str, Any]] = field(default=lambda _: {})

    def __post_init__(self) -> None:
        if (self.cases is None) == (self.run is None):
            raise ValueError("a check has either cases or a run")
        if (self.cases is None) != (self.seen is None):
            raise ValueError("a check with cases has `seen`, one with a run has not")
        if self.overall is not None and self.run is not None:
            raise ValueError("a check with a run looks at each run by itself")

    def broken(self, seen: Any) -> Broken | None:
        """Return the first law that something breaks, or None."""
        for place, law in enumerate(self.laws):
            if not law.overall and law.broken_by(seen):
                return Broken(place, law.name, seen)
        return None

    def broken_overall(self, all_seen: Sequence[Any]) -> Broken | None:
        """Return the first law that all things together break, or None."""
        if self.overall is None:
            return None
        whole = self.overall(all_seen)
        for place, law in enumerate(self.laws):
            if law.overall and law.broken_by(whole):
                return Broken(place, law.name, whole)
        return None


class Run:
    """One run of a scenario: what was seen in it, and the first law that broke.

    `world.random` is the run's chance. What a scenario injects by itself has a key,
    as the network's faults have; the search for the smallest run leaves it out.
    """

    def __init__(self, check: Check, seed: int, without: Collection[str] = ()) -> None:
        self.seed, self.without = seed, without
        self.seen: list[Any] = []
        self.steps: list[str] = []
        self.broken: Broken | None = None
        self.rejected: Rejected | None = None
        self.failed: Exception | None = None  # a mistake in the laws, or a stub
        self.ended = asyncio.Event()
        self._check = check

    def step(self, key: str) -> bool:
        """Return whether a step is taken in this run; note it if it is."""
        if key in self.without:
            return False
        self.steps.append(key)
        return True

    def see(self, seen: Any) -> None:
        """Look at something by all laws; the first that breaks ends the run."""
        self.seen.append(seen)
        if self.broken is not None or self.failed is not None:
            return
        try:
            self.broken = self._check.broken(seen)
        except Exception as error:  # a handler's would end as a 500, and in silence
            self.failed = error
            raise
        finally:
            if self.broken is not None or self.failed is not None:
                self.ended.set()

    def reject(self, why: Rejected | StillToDo) -> None:
        """End the run: its answer is none."""
        if isinstance(why, Rejected):
            self.rejected = self.rejected or why
        else:
            self.failed = self.failed or why
        self.ended.set()

    def nonsense(self, name: str, message: str) -> None:
        """Count what is no answer at all behind all laws."""
        self.broken = self.broken or Broken(len(self._check.laws), name, message)
