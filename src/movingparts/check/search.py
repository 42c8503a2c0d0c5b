"""Looking for the seed under which something goes wrong, and the least of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from movingparts.check.guard import SECONDS, real_seconds, seeded
from movingparts.check.meter import new_run, stop
from movingparts.check.verdict import Complaint, Rejected
from movingparts.world.core import Recording, ScenarioStuck, ServeError

MESSAGES = 2_000  # in one run
Scenario = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of an answer, and what is wrong with it, if anything is.

    `steps` are the keys of what was done in it, in order, where a checker can leave
    that out; faults can be left out in any case.
    """

    seed: int
    recording: Recording
    complaint: Complaint | None
    steps: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The misconception that the run shows; "" if it shows none."""
        return "" if self.complaint is None else self.complaint.misconception

    @property
    def size(self) -> tuple[int, int, int]:
        """By what the least telling of two failures is passed over."""
        rank = 0 if self.complaint is None else self.complaint.rank
        return rank, len(self.recording.messages), self.seed

    @property
    def parts(self) -> tuple[str, ...]:
        """The keys of all that can be left out: the last steps first, then faults."""
        return (*self.steps[::-1], *(fault.key for fault in self.recording.faults))


ENOUGH = 8  # plainly wrong runs, or
SHRUNK = 3  # failing runs, of which the one with the fewest faults is shown
MANY = 12  # wrong runs of any kind, after which no more are looked for
Try = Callable[[int, Collection[str]], Trial]


def play(
    scenario: Scenario, seed: int, without: Collection[str] = (), *, until: float
) -> Trial:
    """Run a scenario that returns a complaint or None; what it rejects is one too."""
    from movingparts.world.simulated import simulate

    async def judged(world: Any) -> Complaint | None:
        _count(world)
        try:
            complaint: Complaint | None = await scenario(world)
        except Rejected as rejected:
            return _placed(rejected)
        return complaint

    new_run()
    begin = real_seconds()
    try:
        with seeded(seed):
            recording = simulate(judged, seed=seed, until=until, without=without)
    except ServeError as error:
        raise Rejected("not-a-service", f"It cannot be served: {error}.") from None
    except ScenarioStuck as stuck:
        text = f"It waits for what never comes: {' '.join(str(stuck).split())}"
        raise Rejected("waits-forever", text) from None
    if real_seconds() - begin > SECONDS:
        text = "It holds up the whole kernel: one run took many real seconds."
        raise Rejected("blocks", text)
    complaint = recording.result
    if any(moment.kind == "until" for moment in recording.moments):
        text = f"Nothing had come of it after {until:,.0f} s (virtual ones)."
        complaint = Complaint("never-returns", text)
    return Trial(seed, recording, complaint)


def _count(world: Any) -> None:
    """Stop an answer that sends without end: no step and no second is spent on it."""
    recorder = world._fabric.recorder  # noqa: SLF001  # a world has no such limit
    note = recorder.message

    def counted(*arguments: Any, **rest: Any) -> Any:
        sent = recorder._recording.messages  # noqa: SLF001  # as it grows
        if len(sent) >= MESSAGES:
            stop("never-returns", flood(sent))
        return note(*arguments, **rest)

    recorder.message = counted


def flood(messages: Sequence[Any]) -> str:
    """Return what to say of a run with too many messages: what came back most."""
    answers = Counter((m.source, m.status) for m in messages if m.kind == "reply")
    text = f"It was stopped after {len(messages):,} messages in one run."
    if answers:
        (name, status), times = answers.most_common(1)[0]
        text += f" {name} answered {status} {times:,} times."
    return text


def _placed(rejected: Rejected) -> Complaint:
    return replace(rejected.complaint, rank=rejected.complaint.rank or 1)


def worst(attempt: Try, seeds: Iterable[int]) -> Trial | None:
    """Return the failing run with the fewest parts, and of those the shortest.

    None if the answer passes under all seeds. A few of the shortest failures of one
    misconception are shrunk: one with more messages may need fewer faults.
    """
    failing: list[Trial] = []
    for seed in seeds:
        trial = attempt(seed, ())
        if trial.complaint is not None:
            failing.append(trial)
        plain = sum(trial.size[0] == 0 for trial in failing)
        if plain >= ENOUGH or len(failing) >= MANY:
            break
    failing.sort(key=lambda trial: trial.size)
    alike = [t for t in failing if t.reason == failing[0].reason][:SHRUNK]
    return min((shrunk(attempt, t) for t in alike), key=_least, default=None)


def _least(trial: Trial) -> tuple[int, int, int, int]:
    rank, messages, seed = trial.size
    return rank, len(trial.parts), messages, seed


def shrunk(attempt: Try, trial: Trial) -> Trial:
    """Leave out what can be, as long as the run fails for its reason.

    Half of the parts are tried first, then fewer at a time; in the end none of them
    can be left out.
    """
    left_out: set[str] = set()
    reason, size = trial.reason, max(1, len(trial.parts) // 2)
    found = True
    while found or size > 1:
        size = size if found else size // 2
        found = False
        parts = trial.parts
        for chunk in (set(parts[n : n + size]) for n in range(0, len(parts), size)):
            if chunk <= set(trial.parts):  # else some of it went with another
                less = attempt(trial.seed, left_out | chunk)
                if less.complaint is not None and less.reason == reason:
                    left_out |= chunk
                    trial, found = less, True
    return trial


def find_seed(
    scenario: Callable[[Any, Any], Awaitable[Any]],
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
        if simulate(lambda world: scenario(world, service), seed=seed).result:
            return seed
    return None
