"""Whatever an answer does, its reader gets a sentence, and the kernel its own back."""

import asyncio
import contextlib
import functools
import itertools
import json
import signal
import sqlite3
import sys
import time
from time import sleep as slept_before

import httpx
import pytest
from fastapi import FastAPI

from movingparts import check as checking
from movingparts.check import check
from movingparts.check import exercise as exercise_module
from movingparts.check.ch01 import outcomes
from movingparts.check.meter import Meter, OutOfSteps
from movingparts.check.verdict import Verdict

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class Odd:
    """Equal to everything, and true."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("done")

    def __repr__(self):
        raise ValueError("no repr")


class OddText(str):
    """A text that is equal to every text."""

    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("done")


def says(value):
    return lambda outcome: value


def loops(outcome):
    while True:
        pass


def loops_and_swallows(outcome):
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001  # the point of this answer
            continue


def loops_in_text(outcome):
    exec("while True: pass")


def counts_forever(outcome):
    for _ in itertools.count():
        pass


def recurs(outcome):
    return recurs(outcome)


def recurs_and_swallows(outcome):
    while True:
        with contextlib.suppress(Exception):
            recurs(outcome)


def raises(error):
    def verdict(outcome):
        raise error

    return verdict


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


async def is_async(outcome):
    return "done"


def generates(outcome):
    yield "done"


def sleeps(outcome):
    time.sleep(60)


def asks(outcome):
    return input("done? ")


def runs_a_loop(outcome):
    return asyncio.run(is_async(outcome))


def changes_the_judge(outcome):
    outcomes.RIGHT = {kind: {"done"} for kind in outcomes.RIGHT}
    return "done"


def changes_the_verdict(outcome):
    Verdict.passed = True
    return "done"


def changes_the_library(outcome):
    sqlite3.connect = lambda *_: None
    return "done"


def ends_the_kernel(outcome):
    sys.exit()


def interrupts(outcome):
    raise KeyboardInterrupt


def mutates(outcome):
    if isinstance(outcome, httpx.Response):
        outcome.status_code = 201
        outcome.request = None
    else:
        outcome.args = ()
    return "done"


SYNC = [
    (42, "not-a-function", "value of type int"),
    (None, "not-a-function", "value of type NoneType"),
    ("done", "not-a-function", "value of type str"),
    (Odd(), "not-a-function", "value of type Odd"),
    (lambda: "done", "wrong-signature", "verdict(outcome)"),
    (lambda a, b: "done", "wrong-signature", "missing a required argument"),
    (says(None), "garbage", "returned None"),
    (says(True), "garbage", "returned True"),
    (says(Odd()), "garbage", "returned a Odd"),
    (says(OddText("done")), "garbage", "returned 'done'"),
    (says(b"done"), "garbage", "returned b'done'"),
    (says("x" * 1_000), "garbage", "…"),
    (generates, "garbage", "generator"),
    (is_async, "async-where-sync", "make it `def`"),
    (loops, "never-returns", "without end"),
    (loops_and_swallows, "never-returns", "without end"),
    (loops_in_text, "never-returns", "without end"),
    (counts_forever, "never-returns", "without end"),
    (recurs_and_swallows, "never-returns", "without end"),
    (raises(ZeroDivisionError("division by zero")), "raises", "ZeroDivisionError"),
    (raises(MemoryError()), "raises", "MemoryError"),
    (raises(Unspeakable()), "raises", "Unspeakable"),
    (raises(asyncio.CancelledError()), "raises", "CancelledError"),
    (raises(GeneratorExit()), "raises", "GeneratorExit"),
    (raises(StopIteration()), "raises", "StopIteration"),
    (ends_the_kernel, "raises", "would have ended the whole kernel"),
    (interrupts, "raises", "KeyboardInterrupt"),
    (runs_a_loop, "raises", "A loop runs already"),
    (sleeps, "blocks", "time.sleep"),
    (asks, "blocks", "input"),
    (changes_the_judge, "tampers", "outcomes.RIGHT"),
    (changes_the_verdict, "tampers", "Verdict.passed"),
    (changes_the_library, "tampers", "sqlite3.connect"),
    (mutates, "timeout-means-done", "gave up"),
    (str, "garbage", "returned"),
    (functools.partial(says, "done"), "wrong-signature", "too many"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "misconception", "said"), SYNC)
def test_a_hostile_plain_answer_gets_a_sentence(answer, misconception, said):
    verdict = check("1.1", answer)
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert said in verdict.message
    assert verdict.message.endswith(".")
    assert "Traceback" not in repr(verdict) + verdict._repr_html_()


@pytest.mark.slow
def test_recursion_without_end_is_said_as_such():
    verdict = check("1.1", recurs)
    assert not verdict.passed
    assert "without end" in verdict.message


async def forever(node, ride_id, cents):
    while True:
        await node.clock.sleep(10)


async def spins(node, ride_id, cents):
    while True:
        await asyncio.sleep(0)


async def swallows_cancelling(node, ride_id, cents):
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(100)


async def waits_for_nothing(node, ride_id, cents):
    await asyncio.Event().wait()


async def waits_without_a_timeout(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    url = f"http://billing/charges/{ride_id}"
    await node.client.put(url, json=body, timeout=None)


def not_async(node, ride_id, cents):
    return None


async def cancels_itself(node, ride_id, cents):
    raise asyncio.CancelledError


async def exits(node, ride_id, cents):
    sys.exit("enough")


async def interrupts_later(node, ride_id, cents):
    await node.clock.sleep(1)
    raise KeyboardInterrupt


async def ends_the_loop(node, ride_id, cents):
    asyncio.get_running_loop().stop()
    await asyncio.sleep(1)


async def breaks_its_node(node, ride_id, cents):
    node.client = node.clock = node.tasks = None


async def writes_into_the_database(node, ride_id, cents):
    """Not by asking billing: its file lies in the folder beside."""
    with sqlite3.connect(node.disk.path.parent / "billing" / "data.sqlite") as db:
        db.execute("INSERT INTO charges VALUES ('x', ?, ?)", [ride_id, cents])
    db.close()


async def charges_another(node, ride_id, cents):
    while True:
        with contextlib.suppress(httpx.HTTPError):
            body = {"ride_id": ride_id, "cents": 1}
            await node.client.put(f"http://billing/charges/{ride_id}", json=body)
            return


async def leaves_a_task_that_never_ends(node, ride_id, cents):
    node.tasks.create_task(swallows_cancelling(node, ride_id, cents))


async def sleeps_for_real(node, ride_id, cents):
    time.sleep(3)


ASYNC = [
    (not_async, "sync-where-async"),
    (forever, "never-returns"),
    (spins, "never-returns"),
    (swallows_cancelling, "never-returns"),
    (waits_for_nothing, "never-returns"),
    (waits_without_a_timeout, "never-returns"),
    (cancels_itself, "raises"),
    (exits, "raises"),
    (interrupts_later, "raises"),
    (ends_the_loop, "raises"),
    (breaks_its_node, "nothing-sent"),
    (writes_into_the_database, "tampers"),
    (charges_another, "wrong-charge"),
    (leaves_a_task_that_never_ends, "nothing-sent"),
    (sleeps_for_real, "blocks"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "misconception"), ASYNC)
def test_a_hostile_async_answer_gets_a_sentence(answer, misconception):
    verdict = check("1.2", answer)
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert verdict.message.endswith((".", "?"))
    assert "Traceback" not in repr(verdict) + verdict._repr_html_()


def serves_nothing(node):
    return None


def serves_an_empty_app(node):
    return FastAPI()


def serves_in_threads(node):
    app = FastAPI()

    @app.post("/rides")
    def take(rider: str):
        return {"bike": "bike-1", "cents": 1}

    return app


def fails_to_start(node):
    return 1 / 0


def loops_in_a_handler(node):
    app = FastAPI()

    @app.post("/rides")
    async def take(rider: str):
        while True:
            pass

    return app


def answers_garbage(node):
    app = FastAPI()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        return [1, 2, 3]

    return app


def drops_the_table(node):
    app = FastAPI()
    db = node.disk.connect()
    db.execute("DROP TABLE bikes")
    return app


async def a_factory_that_awaits(node):
    return FastAPI()


FACTORIES = [
    (serves_nothing, "not-a-service"),
    (serves_an_empty_app, "turns-away"),
    (serves_in_threads, "not-a-service"),
    (fails_to_start, "raises"),
    (loops_in_a_handler, "never-returns"),
    (answers_garbage, "garbage"),
    (drops_the_table, "bike-gone"),
    (a_factory_that_awaits, "async-where-sync"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "misconception"), FACTORIES)
def test_a_hostile_service_gets_a_sentence(answer, misconception):
    verdict = check("1.3", answer)
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert verdict.message.endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exercise_id", "value"),
    [
        ("1.4", None),
        ("1.4", []),
        ("1.4", [1.0] * 99),
        ("1.4", ["1"] * 5),
        ("1.4", {1: 2}),
        ("1.4", Odd()),
        ("1.5", None),
        ("1.5", (True, 1.0, 2.0)),
        ("1.5", Odd()),
    ],
)
def test_garbage_is_named(exercise_id, value):
    verdict = check(exercise_id, lambda *_: value)
    assert (verdict.state, verdict.misconception) == ("not yet", "garbage")


@pytest.mark.slow
@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf"), True, 1j])
def test_a_timeout_that_is_none_is_garbage(bad):
    verdict = check("1.4", lambda depth, budget: [bad] * depth)
    assert (verdict.state, verdict.misconception) == ("not yet", "garbage")


def test_a_called_answer_is_told_to_be_given_uncalled():
    verdict = check("1.1", is_async(None))
    assert verdict.misconception == "not-a-function"
    assert "without calling it" in verdict.message


@pytest.mark.slow
def test_much_output_is_kept_in_part_and_shown_beside(capsys):
    def chatty(outcome):
        sys.stdout.write("x" * 10_000)
        sys.stderr.write("y")

    verdict = check("1.1", chatty)
    assert capsys.readouterr() == ("", "")
    assert len(verdict.printed) < 3_000
    assert verdict.printed.endswith("more characters")


@pytest.mark.slow
def test_everything_is_put_back():
    """Trace function, signal handler, sleep, input and what was tampered with."""

    def trace(frame, event, arg):
        return None

    before = (signal.getsignal(signal.SIGINT), time.sleep, input, sqlite3.connect)
    right, passed = outcomes.RIGHT, Verdict.passed
    sys.settrace(trace)
    try:
        for answer in (changes_the_judge, changes_the_library, sleeps, loops):
            check("1.1", answer)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(None)
    after = (signal.getsignal(signal.SIGINT), time.sleep, input, sqlite3.connect)
    assert before == after
    assert (right, passed) == (outcomes.RIGHT, Verdict.passed)
    assert slept_before is time.sleep


@pytest.mark.slow
def test_the_readers_own_interrupt_is_obeyed():
    def interrupted(outcome):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        check("1.1", interrupted)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_it_works_from_within_a_running_loop():
    """A notebook's cell runs in one."""

    async def cell():
        verdict = check("1.1", loops)
        await asyncio.sleep(0)
        return verdict.misconception

    assert asyncio.run(cell()) == "never-returns"


@pytest.mark.slow
def test_an_answer_that_checks_itself_is_only_an_answer():
    inner = []

    def nested(outcome):
        inner.append(check("1.1", lambda o: "done"))
        return inner[-1].state

    assert check("1.1", nested).misconception == "garbage"
    assert {verdict.misconception for verdict in inner} == {"checks-itself"}


def test_a_meter_stops_what_swallows_its_stop_and_leaves_other_code_alone():
    meter = Meter(limit=500)
    with pytest.raises(OutOfSteps), meter.running():
        loops_and_swallows(None)
    assert meter.tripped
    with meter.running():
        text = json.dumps(list(range(20_000)))  # a library's steps are not counted
    assert (len(text) > 20_000, meter.tripped) == (True, False)


@pytest.mark.slow
def test_an_answer_may_take_many_steps_in_each_run():
    """The limit is for one run: being slow in all of them is not being endless."""

    def thorough(outcome):
        for _ in range(4_000):
            pass
        return "maybe"

    assert check("1.1", thorough).misconception == "garbage"

    def slow_and_right(depth, budget):
        for _ in range(8_000):
            pass
        return [budget - 0.06 * n for n in range(depth)]

    assert check("1.4", slow_and_right).passed


class LoopsWhenCollected:
    """In a cycle, so that only the collector finds it."""

    def __init__(self):
        self.me = self

    def __del__(self):
        while True:
            pass


@pytest.mark.slow
def test_what_loops_while_it_is_collected_is_stopped():
    def leaves_a_loop(outcome):
        LoopsWhenCollected()

    assert check("1.1", leaves_a_loop).misconception == "never-returns"

    async def never_ends():
        while True:
            with contextlib.suppress(BaseException):
                await asyncio.sleep(1)

    async def leaves_a_task(node, ride_id, cents):
        asyncio.get_running_loop().create_task(never_ends())

    assert not check("1.2", leaves_a_task).passed


def test_a_checker_does_not_hide_which_solutions_are_missing():
    with pytest.raises(LookupError, match="no solutions for lab 99"):
        exercise_module.solutions("99-nothing")
    assert checking.exercises()[0].solution.startswith("def verdict(outcome):")
