"""Whatever an answer does, its reader gets a sentence, and the kernel its own back."""

import asyncio
import contextlib
import functools
import itertools
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
import uuid
from pathlib import Path
from time import sleep as slept_before

import httpx
import pytest
from fastapi import FastAPI

from movingparts import check as checking
from movingparts.check import check, guard
from movingparts.check import exercise as exercise_module
from movingparts.check.ch01 import outcomes
from movingparts.check.meter import Meter, OutOfSteps
from movingparts.check.verdict import Rejected, Verdict

needs_the_alarm = pytest.mark.skipif(
    not hasattr(signal, "setitimer"),
    reason="Windows has no signal.setitimer; on Linux and macOS this runs by itself",
)
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
    (says(OddText("done")), "timeout-means-done", "gave up"),  # by its letters
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


def builds_in(text):
    """Make a plain answer of a line that tampers, and is caught by name."""

    def tamperer(outcome):
        exec(text, {"outcomes": outcomes, "Verdict": Verdict})
        return "done"

    return tamperer


TAMPERING = [
    ("import builtins; builtins.any = lambda _: True", "builtins.any"),
    ("outcomes._saved = lambda *_: True", "outcomes._saved"),
    ("import time; time.perf_counter = lambda: 0.0", "time.perf_counter"),
    ("Verdict.__bool__ = lambda self: True", "Verdict.__bool__"),
    ("Verdict.__getattribute__ = object.__getattribute__", "Verdict.__getattribute__"),
    ("outcomes.sorted = lambda _: []", "outcomes.sorted"),
    ("outcomes.WHY.clear()", "outcomes.WHY"),
    ("object.__setattr__(outcomes.OUTCOMES, 'judge', None)", "outcomes.OUTCOMES"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("text", "named"), TAMPERING)
def test_tampering_is_named_and_put_back(text, named):
    before = (any, outcomes._saved, Verdict.__bool__, dict(outcomes.WHY))
    verdict = check("1.1", builds_in(text))
    assert (verdict.misconception, bool(verdict)) == ("tampers", False)
    assert named in verdict.message
    after = (any, outcomes._saved, Verdict.__bool__, dict(outcomes.WHY))
    assert before == after
    assert not hasattr(outcomes, "sorted")
    assert "__getattribute__" not in vars(Verdict)
    assert check("1.1", says("done")).misconception != "tampers"


@pytest.mark.slow
@needs_the_alarm
def test_folder_environment_recursion_limit_and_random_are_put_back(tmp_path):
    before = (Path.cwd(), dict(os.environ), sys.getrecursionlimit())
    state = (random.getstate(), os.urandom, signal.getsignal(signal.SIGALRM))

    def moves(outcome):
        os.chdir(tmp_path)
        os.environ["MOVED"] = "yes"
        sys.setrecursionlimit(5_000)
        random.seed(random.random())
        return "done"

    check("1.1", moves)
    assert before == (Path.cwd(), dict(os.environ), sys.getrecursionlimit())
    assert state == (
        random.getstate(),
        os.urandom,
        signal.getsignal(signal.SIGALRM),
    )
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.slow
def test_what_an_answer_draws_is_the_same_in_each_check():
    async def draws(node, ride_id, cents):
        while True:
            body = {"ride_id": ride_id, "cents": cents}
            charge_id = f"{uuid.uuid4()}-{random.random()}"
            with contextlib.suppress(httpx.HTTPError):
                await node.client.put(f"http://billing/charges/{charge_id}", json=body)
                return

    first, second = check("1.2", draws), check("1.2", draws)
    assert first.misconception == "fresh-id"
    assert repr(first) == repr(second)


def calls(function):
    """Make an answer that calls again and again, and swallows what comes of it."""

    async def charge(node, ride_id, cents):
        while True:
            with contextlib.suppress(Exception):
                await asyncio.sleep(1)
                result = function()
                if result is not None:
                    await result

    return charge


async def real_put():
    async with httpx.AsyncClient() as client:
        await client.put("http://127.0.0.1:9/charges/1")


def starts_a_thread():
    threading.Thread(target=slept_before, args=[0.01], daemon=True).start()


async def puts_into_a_thread():
    await asyncio.to_thread(slept_before, 0.01)


REFUSED = [
    (real_put, "use `node.client`"),
    (lambda: httpx.put("http://127.0.0.1:9/charges/1") and None, "use `node.client`"),
    (starts_a_thread, "threading.Thread"),
    (puts_into_a_thread, "threading.Thread"),
    (lambda: sys.settrace(None), "sys.settrace"),
    (lambda: time.sleep(1), "time.sleep"),
    (lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and None, "signal.signal"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("function", "said"), REFUSED)
def test_what_leaves_the_world_is_refused_also_if_swallowed(function, said):
    verdict = check("1.2", calls(function))
    assert (verdict.state, verdict.misconception) == ("not yet", "blocks")
    assert said in verdict.message


@pytest.mark.slow
def test_a_sleep_that_was_imported_before_is_refused_by_its_own_name():
    async def naps(node, ride_id, cents):
        slept_before(0.2)

    assert "time.sleep" in check("1.2", naps).message
    assert slept_before is time.sleep


@pytest.mark.slow
def test_a_run_with_messages_without_end_is_stopped_and_says_what_came_back():
    async def wrong_path(node, ride_id, cents):
        while True:
            with contextlib.suppress(Exception):
                await node.client.put("http://billing/charge/1", json={})

    verdict = check("1.2", wrong_path)
    assert verdict.misconception == "never-returns"
    assert "2,000 messages" in verdict.message
    assert "billing answered 404" in verdict.message


def keeps_its_stops(outcome):
    kept = []
    while True:
        try:
            while True:
                pass
        except BaseException as error:  # noqa: BLE001  # the point of this answer
            kept.append(error)


def pretends_to_be_frozen(outcome):
    exec(compile("while True: pass", "<frozen x>", "exec"))


def pretends_to_be_os(outcome):
    exec(compile("while True: pass", "<frozen os>", "exec"), {})


def waits_for_a_lock(outcome):
    lock = threading.Lock()
    lock.acquire()
    with contextlib.suppress(Exception):
        lock.acquire()


async def schedules_itself(node, ride_id, cents):
    loop = asyncio.get_running_loop()

    def again():
        loop.call_soon(again)

    again()
    await asyncio.sleep(1)


async def times_out_at_once(node, ride_id, cents):
    while True:
        with contextlib.suppress(Exception):
            await node.client.put("http://billing/charges/1", json={}, timeout=1e-6)


async def throws_tasks_about(node, ride_id, cents):
    def bomb():
        return asyncio.get_running_loop().create_task(task())

    async def task():
        bomb()
        bomb()

    await bomb()
    await asyncio.sleep(1)


ENDLESS = [
    ("1.1", keeps_its_stops),
    ("1.1", pretends_to_be_frozen),
    ("1.1", pretends_to_be_os),
    ("1.1", waits_for_a_lock),
    ("1.2", schedules_itself),
    ("1.2", times_out_at_once),
    ("1.2", throws_tasks_about),
]


@pytest.mark.slow
@needs_the_alarm
@pytest.mark.parametrize(("exercise_id", "answer"), ENDLESS)
def test_what_the_meter_cannot_stop_is_stopped_by_the_clock(
    exercise_id, answer, monkeypatch
):
    monkeypatch.setattr(guard, "SECONDS", 1.5)
    begin = time.monotonic()
    verdict = check(exercise_id, answer)
    assert verdict.state == "not yet"
    assert verdict.misconception in {"blocks", "never-returns"}
    assert time.monotonic() - begin < 12
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.slow
@needs_the_alarm
def test_an_alarm_that_was_set_before_is_set_afterwards():
    def mine(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGALRM, mine)
    signal.setitimer(signal.ITIMER_REAL, 100, 7)
    try:
        check("1.1", says(None))
        left, again = signal.getitimer(signal.ITIMER_REAL)
        assert (90 < left < 100, again) == (True, 7)
        assert signal.getsignal(signal.SIGALRM) is mine
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.slow
def test_it_works_without_signals_and_in_a_thread(monkeypatch):
    """In a browser tab there is no timer; in a thread there is no handler."""
    found = []
    thread = threading.Thread(target=lambda: found.append(check("1.1", loops)))
    thread.start()
    thread.join()
    monkeypatch.setattr(guard, "_setitimer", None)
    found.append(check("1.1", loops))
    assert [verdict.misconception for verdict in found] == ["never-returns"] * 2


@pytest.mark.slow
def test_a_rejection_of_the_answers_own_is_its_exception():
    def praises(outcome):
        raise Rejected("x", "You passed.")

    verdict = check("1.1", praises)
    assert (verdict.passed, verdict.misconception) == (False, "raises")
    assert "You passed" not in repr(verdict)


@pytest.mark.slow
def test_asyncio_does_not_complain_among_what_was_printed():
    async def drops_a_task(node, ride_id, cents):
        async def fails():
            raise ValueError("nobody asks")

        asyncio.get_running_loop().create_task(fails())
        await asyncio.sleep(1)

    assert check("1.2", drops_a_task).printed == ""


def test_a_checker_does_not_hide_which_solutions_are_missing():
    with pytest.raises(LookupError, match="no solutions for lab 99"):
        exercise_module.solutions("99-nothing")
    assert checking.exercises()[0].solution.startswith("def verdict(outcome):")
