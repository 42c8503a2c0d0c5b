"""The checking machinery: laws in order, the smallest run, and every kind of nonsense.

Exercises are data for it (test_every_exercise.py); here it is shown on small checks of
this file's own.
"""

import asyncio
import contextlib
import gc
import itertools
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import ClassVar

import httpx
import pytest
from fastapi import FastAPI

from movingparts.check import Check, Law, Run, Verdict, always, evaluate, never
from movingparts.check.answer import Answer, Call, fits
from movingparts.check.exercise import Exercise
from movingparts.check.laws import Broken
from movingparts.check.limits import Limits
from movingparts.check.search import Trial, shrunk
from movingparts.check.verdict import Rejected
from movingparts.core import Recording
from movingparts.core.recording import Fault, Message


class Small(Exercise):
    """An exercise without a folder."""

    def __init__(self, check, stub, **laws):
        texts = {name.replace("_", "-"): text for name, text in laws.items()}
        texts |= {law.name: "{value}" for law in check.laws if law.name not in texts}
        super().__init__(
            *("9.9", "Small", "easy", 5, "09-small", "", (), ("", "")),
            laws=texts,
            passed="{count} times right.",
            folder=None,
        )
        vars(self).update(check=check, stub=stub, call=Call.of(stub), solution="")


STUB = (
    "def double(n):\n    raise NotImplementedError('Exercise 9.9: double a number')\n"
)


def doubling(*laws, **more):
    """An exercise to double numbers, by inputs."""
    laws = laws or (Law("not-double", always, lambda s: s.value == 2 * s.n),)
    check = Check(
        cases=lambda: [(n,) for n in (3, 0, 5, -4)],
        seen=lambda n, value: SimpleNamespace(n=n, value=value),
        laws=laws,
        **{"returns": int, "wants": "a whole number", **more},
    )
    return Small(check, STUB)


def verdict_on(answer, exercise=None):
    return evaluate(exercise or doubling(), answer)


# --- laws ---------------------------------------------------------------------------


def test_what_holds_for_all_cases_passes():
    assert "4 times right." == verdict_on(lambda n: n * 2).message


def test_the_first_law_in_the_table_names_the_misconception():
    odd = Law("odd", always, lambda s: s.value % 2 == 0)
    small = Law("small", always, lambda s: s.value < 3)
    assert "odd" == verdict_on(lambda n: n + 2, doubling(odd, small)).misconception
    assert "small" == verdict_on(lambda n: n + 2, doubling(small, odd)).misconception


def test_of_one_law_the_first_case_that_breaks_it_is_shown():
    assert "4" == verdict_on(lambda n: n + 1).message


def test_a_law_that_does_not_apply_is_not_broken():
    assert verdict_on(lambda n: 7, doubling(Law("x", lambda s: s.n > 9, never))).passed


def test_a_law_may_look_at_all_cases_together():
    alike = Law("alike", lambda s: len(set(s.values)) == 1, never, overall=True)
    exercise = doubling(
        Law("not-double", always, lambda s: s.value == 2 * s.n),
        alike,
        overall=lambda seen: SimpleNamespace(values=[s.value for s in seen], value=1),
    )
    assert "not-double" == verdict_on(lambda n: 7, exercise).misconception
    swapped = doubling(*reversed(exercise.check.laws), overall=exercise.check.overall)
    assert "alike" == verdict_on(lambda n: 7, swapped).misconception


def test_a_check_has_cases_or_a_run():
    with pytest.raises(ValueError, match="either cases or a run"):
        Check(laws=())
    with pytest.raises(ValueError, match="has `seen`"):
        Check(laws=(), cases=list)
    with pytest.raises(ValueError, match="each run by itself"):
        Check(laws=(), run=asked, overall=len)


def test_a_mistake_in_a_check_is_not_taken_for_the_answers():
    """Also in a service's handler, whose exceptions become a 500."""

    async def run(world, answer, run):
        app = FastAPI()

        @app.get("/")
        async def look() -> None:
            run.see(answer(1))

        await world.serve("looker", lambda node: app)
        await world.client("x").get("http://looker/")

    exercise = Small(Check(run=run, laws=(Law("l", always, lambda s: s.gone),)), STUB)
    with pytest.raises(AttributeError, match="gone"):
        verdict_on(lambda n: n, exercise)


# --- scenarios ----------------------------------------------------------------------

ASK = "async def ask(client):\n    raise NotImplementedError('Exercise 9.9: ask')\n"


async def asked(world, answer, run):
    """A rider asks; some replies are lost, and there are steps that do not matter."""
    for number in range(3):
        run.step(f"nothing {number}")
    app = FastAPI()

    @app.get("/")
    async def count() -> int:
        return 3

    await world.serve("station", lambda node: app)
    world.network.between("rider", "station", loss=0.4)
    run.see(SimpleNamespace(value=await answer.awaited(world.client("rider"))))


def asking(**more):
    """An exercise to ask until an answer arrives, by a scenario."""
    right = Law("no-answer", always, lambda s: s.value == 3)
    check = Check(run=asked, laws=(right,), may_raise=(httpx.HTTPError,), **more)
    return Small(check, ASK)


async def asks_again(client):
    while True:
        try:
            return (await client.get("http://station/")).json()
        except httpx.ReadTimeout:
            pass


async def asks_once(client):
    return (await client.get("http://station/")).json()


def test_a_right_answer_passes_under_all_seeds():
    assert "40 times right." == verdict_on(asks_again, asking()).message


def test_a_wrong_answer_gets_the_smallest_run_that_shows_it():
    verdict = verdict_on(asks_once, asking())
    assert "no-answer" == verdict.misconception
    assert 1 == len(verdict.counterexample.faults)
    assert len(verdict.counterexample.messages) <= 2
    assert "<svg" in verdict._repr_html_()


def test_the_same_answer_gets_the_same_verdict():
    assert repr(verdict_on(asks_once, asking())) == repr(
        verdict_on(asks_once, asking())
    )


async def never_pauses(client):
    while True:
        await client.get("http://nowhere/")


async def waits_too_long(client):
    await asyncio.sleep(10_000)


async def waits_forever(client):
    await asyncio.Event().wait()


async def floods(client):
    while True:
        with contextlib.suppress(httpx.HTTPError):
            await client.get("http://station/")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (waits_too_long, "never-returns"),
        (waits_forever, "never-returns"),
        (floods, "never-returns"),
    ],
)
def test_a_run_that_does_not_end_is_stopped_in_virtual_time(answer, why, monkeypatch):
    monkeypatch.setattr("movingparts.check.search.MESSAGES", 100)
    assert why == verdict_on(answer, asking(seeds=range(2))).misconception


# --- shrinking ------------------------------------------------------------------------


def trial(seed, without, needs):
    """A run with faults a, b and c, which fails as long as those in `needs` happen."""
    recording = Recording("simulated", seed=seed)
    recording.messages = [Message(0, "request", "a", "b", "x", 0)] * (10 - seed)
    recording.faults = [Fault(k, 0, k) for k in "abc" if k not in without]
    keys = {fault.key for fault in recording.faults}
    if not set(needs) <= keys:
        return None
    parts = tuple(fault.key for fault in recording.faults)
    return Trial(seed, Broken(0, "law", None), recording, parts)


def test_a_smallest_run_keeps_the_faults_that_it_needs_and_no_other():
    found = shrunk(lambda s, w: trial(s, w, "ac"), trial(1, (), "ac"))
    assert ("a", "c") == found.parts


def test_of_many_steps_most_are_left_out_at_once():
    """Of 40 steps two are needed: they are found in far fewer runs than 40."""
    runs = []

    def run(seed, without):
        runs.append(without)
        parts = tuple(str(n) for n in range(40) if str(n) not in without)
        needed = {"11", "12"} <= set(parts)
        return Trial(seed, Broken(0, "law", None), None, parts) if needed else None

    assert ("11", "12") == shrunk(run, run(0, ())).parts
    assert len(runs) < 40


def test_a_smaller_run_has_to_break_the_same_law():
    def run(seed, without):
        name = "other" if "a" in without else "law"
        parts = tuple(key for key in "ab" if key not in without)
        return Trial(seed, Broken(0, name, None), None, parts)

    assert ("a",) == shrunk(run, run(0, ())).parts


def test_a_step_is_noted_when_it_is_taken():
    run = Run(asking().check, 0, without={"left out"})
    assert [run.step("left out"), run.step("taken")] == [False, True]
    assert ["taken"] == run.steps


# --- what is no answer at all ---------------------------------------------------------


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def raises(error):
    def double(n):
        raise error

    return double


def recurs(n):
    return recurs(n)


def generates(n):
    yield n


async def is_async(n):
    return n


def sleeps(n):
    time.sleep(60)


def sleeps_and_swallows(n):
    with contextlib.suppress(Exception):
        time.sleep(60)
    return 2 * n


def asks_a_person(n):
    return input()


def calls_outside(n):
    return httpx.get("http://127.0.0.1:9/")


async def coroutine():
    return None


COUNT = itertools.count()
ODD = SimpleNamespace(n=1)


def counts(n):
    return 2 * n + next(COUNT)


def by_chance(n):
    return random.randrange(1_000)


NONSENSE = [
    (42, "not-a-function"),
    (None, "not-a-function"),
    (lambda: 1, "wrong-signature"),
    (lambda a, b: 1, "wrong-signature"),
    (is_async, "async-where-sync"),
    (generates, "yields"),
    (recurs, "raises"),
    (raises(ValueError("no")), "raises"),
    (raises(SystemExit(1)), "raises"),
    (raises(Unspeakable()), "raises"),
    (lambda n: "6", "wrong-type"),
    (lambda n: None, "wrong-type"),
    (lambda n: True, "wrong-type"),
    (lambda n: 6.0, "wrong-type"),
    (sleeps, "blocks"),
    (sleeps_and_swallows, "blocks"),
    (asks_a_person, "blocks"),
    (calls_outside, "blocks"),
    (counts, "keeps-between-calls"),
]


@pytest.mark.parametrize(("answer", "why"), NONSENSE, ids=itertools.count())
def test_nonsense_gets_a_sentence(answer, why):
    exercise = doubling(Law("never", always, always))
    verdict = verdict_on(answer, exercise)
    assert ("not yet", why) == (verdict.state, verdict.misconception), verdict
    assert verdict.message.endswith((".", "?"))
    assert " at 0x" not in repr(verdict)


def test_a_coroutine_is_not_a_function():
    verdict = verdict_on(coroutine(), asking())
    assert "without calling it" in verdict.message


def test_a_function_where_an_async_one_is_needed_is_named():
    verdict = verdict_on(lambda client: 3, asking(seeds=range(1)))
    assert "sync-where-async" == verdict.misconception


def test_an_exception_is_shown_with_its_line():
    def divides(n):
        return n // 0

    assert "at the line `return n // 0`" in verdict_on(divides).message


def test_chance_is_the_same_in_each_run_and_is_found():
    assert (
        "keeps-between-calls"
        == verdict_on(by_chance, doubling(Law("any", always, always))).misconception
    )


@pytest.mark.parametrize("shared", [True, False])
def test_what_an_object_leaves_to_the_next_run_is_found(shared):
    """A shelf gives out a thing once; with a class attribute, once for all shelves."""

    class Shelf:
        given: ClassVar = []

        def __init__(self):
            self.given = self.given if shared else ["never any"]

        def take(self):
            self.given.append(1)
            return len(self.given) == 1

    async def run(world, answer, run):
        run.see(SimpleNamespace(value=answer.ask(answer.made(), "take")))

    stub = "class Shelf:\n    def __init__(self): ...\n\n    def take(self): ...\n"
    exercise = Small(
        Check(run=run, laws=(Law("gone", always, lambda s: s.value),)), stub
    )
    why = "keeps-between-calls" if shared else "gone"
    assert why == verdict_on(Shelf, exercise).misconception


def test_an_answer_that_changes_its_input_passes_with_a_remark():
    check = Check(
        cases=lambda: [([3, 1, 2],)],
        seen=lambda numbers, value: SimpleNamespace(value=value),
        laws=(Law("l", always, lambda s: s.value == 1),),
    )

    def least(numbers):
        numbers.sort()
        return numbers[0]

    stub = "def least(numbers):\n    raise NotImplementedError('Exercise 9.9: x')\n"
    verdict = verdict_on(least, Small(check, stub))
    assert verdict.passed
    assert "changed `numbers`" in verdict.message


def test_what_it_prints_is_kept_and_shown_apart(capsys):
    def talks(n):
        sys.stdout.write(f"n is {n}\n")
        return 2 * n

    verdict = verdict_on(talks)
    assert verdict.printed.startswith("n is 3\nn is 0")
    assert ("", "") == tuple(capsys.readouterr())


# --- limits ---------------------------------------------------------------------------


def spins(n):
    while True:
        pass


def spins_and_swallows(n):
    while True:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001  # the point of this answer
            continue


needs_timer = pytest.mark.skipif(
    sys.platform == "win32",
    reason="Windows has no signal.setitimer; on Linux and macOS this runs by itself",
)


@needs_timer
@pytest.mark.parametrize("answer", [spins, spins_and_swallows])
def test_an_endless_loop_is_stopped_by_processor_time(answer, monkeypatch):
    monkeypatch.setattr("movingparts.check.Limits", lambda: Limits(seconds=0.2))
    verdict = verdict_on(answer)
    assert "never-returns" == verdict.misconception
    assert "does a loop in it never end?" in verdict.message


@needs_timer
def test_an_endless_loop_in_an_endpoint_is_stopped_too(monkeypatch):
    """Asyncio keeps a task's exception to itself."""
    monkeypatch.setattr("movingparts.check.Limits", lambda: Limits(seconds=0.2))

    async def run(world, answer, run):
        await world.serve("spinner", answer.served)
        await world.client("x", timeout=None).get("http://spinner/")
        run.see(None)

    def spinner(node):
        app = FastAPI()

        @app.get("/")
        async def spin() -> None:
            spins(0)

        return app

    stub = "def spinner(node):\n    raise NotImplementedError('Exercise 9.9: x')\n"
    exercise = Small(Check(run=run, laws=()), stub)
    assert "never-returns" == verdict_on(spinner, exercise).misconception


@needs_timer
def test_a_lock_that_nobody_frees_is_named(monkeypatch):
    monkeypatch.setattr("movingparts.check.Limits", lambda: Limits(looks=0.05))

    def locks(n):
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    verdict = verdict_on(locks)
    assert "blocks" == verdict.misconception
    assert "waits for a lock" in verdict.message


@needs_timer
def test_waiting_costs_no_processor_time():
    """A stopped or starved machine rejects no answer: its own work counts."""
    real_sleep = time.sleep
    limits = Limits(seconds=0.2)
    with limits.around():
        real_sleep(0.4)
    assert (False, None) == (limits.out_of_time, limits.refused)


def test_slow_but_finite_is_right():
    def one_by_one(n):
        total = 0
        for _ in range(abs(n) * 50_000):
            total += 1
        return 2 * n if total == abs(n) * 50_000 else 0

    assert verdict_on(one_by_one).passed


def test_recursion_is_not_endless():
    def recursive(n, depth=0):
        return 2 * n if depth > 500 else recursive(n, depth + 1)

    assert verdict_on(recursive).passed


def test_a_thread_of_the_kernel_may_sleep_meanwhile():
    slept = []

    def other():
        time.sleep(0)
        slept.append(True)

    with Limits().around() as limits:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert ([True], None) == (slept, limits.refused)


def test_everything_is_put_back():
    before = (time.sleep, sys.stdout, sys.unraisablehook, random.getstate())
    verdict_on(sleeps)
    assert before == (time.sleep, sys.stdout, sys.unraisablehook, random.getstate())


def test_a_readers_interrupt_ends_the_check():
    with pytest.raises(KeyboardInterrupt):
        verdict_on(raises(KeyboardInterrupt()))


def test_a_check_leaves_no_world_behind():
    """FastAPI's caches hold the endpoints of a service, and these their worlds."""
    nodes = []

    def station(node):
        nodes.append(weakref.ref(node.tasks))
        app = FastAPI()

        @app.get("/")
        async def count() -> int:
            return len(node.tasks)

        return app

    async def run(world, answer, run):
        await world.serve("station", station)
        run.see(await answer.awaited(world.client("rider")))

    exercise = Small(Check(run=run, laws=(), seeds=range(5)), ASK)
    assert verdict_on(asks_again, exercise).passed
    gc.collect()
    assert [None] * 5 == [node() for node in nodes]


# --- calls and types ------------------------------------------------------------------


def test_a_call_is_read_off_its_stub():
    call = Call.of(
        "class Stand:\n def __init__(self, bikes): ...\n def take(self, now): ..."
    )
    assert ("class Stand", ("bikes",)) == (str(call), call.arguments)
    assert ["take(now)"] == [method.called for method in call.methods]
    assert "async def ask(client)" == str(Call.of(ASK))
    with pytest.raises(ValueError, match="ends with a function or a class"):
        Call.of("n = 1")


@pytest.mark.parametrize(
    ("value", "kind", "right"),
    [
        ((1, 2), list[int], True),
        ([1, None], list[int], False),
        ([1, None], list[int | None], True),
        ({"a": True}, dict[str, bool], True),
        ({1: True}, dict[str, bool], False),
        (1, float, True),
        (True, float, False),
        ({1}, frozenset[int], True),
        ((1, "a"), tuple[int, str], True),
        ((1, "a", "b"), tuple[int, str], False),
        (("a", 1), tuple[int, str], False),
    ],
)
def test_a_value_fits_a_type(value, kind, right):
    assert right == fits(value, kind)


def test_what_an_answer_makes_has_a_type_too():
    maker = Call("maker", ())
    answer = Answer(lambda: None, maker, returns=Callable, wants="a function")
    with pytest.raises(Rejected, match="returned None; it should return a function"):
        answer.made()


def test_a_verdict_without_figures_shows_a_table(monkeypatch):
    """`draw` is optional: a checker works where it cannot be imported."""
    monkeypatch.setitem(sys.modules, "movingparts.draw", None)
    recording = Recording("simulated", seed=7)
    recording.messages.append(Message(0, "request", "rider", "rides", "POST /x", 0))
    page = Verdict("1.2", "not yet", "Twice. <b>", "twice", recording)._repr_html_()
    assert "<svg" not in page
    assert '<table class="mp-table">' in page
    assert "&lt;b&gt;" in page
