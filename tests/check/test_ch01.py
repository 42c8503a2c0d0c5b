"""The exercises of chapter 01: what wrong answers believe, and what is right as well.

That stubs are still to do and solutions pass holds for every chapter's exercises:
test_every_exercise.py, which also counts the wrong answers of `WRONG`.
"""

import asyncio
import itertools
from enum import StrEnum
from functools import cache

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from movingparts.check import check, exercises, find_seed
from movingparts.check.answer import Answer, shown
from movingparts.check.ch01 import (
    Decision,
    look_then_take,
    once,
    outcomes,
    park,
    timeouts,
)
from movingparts.check.ch01 import last_bike as bikes
from movingparts.world import Uniform, simulate
from tests.labs import labs


@cache
def checked(exercise_id, answer):
    """Check an answer once for all tests that look at its verdict."""
    return check(exercise_id, answer)


EXERCISES = {exercise.id: exercise for exercise in exercises(1)}


# --- 1.1: what a failure tells you ---------------------------------------------------


def timeout_is_a_no(outcome):
    if isinstance(outcome, httpx.Response):
        return {2: "done", 4: "not done"}.get(outcome.status_code // 100, "unknown")
    return "unknown" if isinstance(outcome, httpx.RemoteProtocolError) else "not done"


def timeout_is_a_yes(outcome):
    if isinstance(outcome, httpx.ReadTimeout):
        return "done"
    return timeout_is_a_no(outcome)


def nothing_is_known(outcome):
    if isinstance(outcome, httpx.Response) and outcome.is_success:
        return "done"
    return "unknown"


def only_the_status_counts(outcome):
    if isinstance(outcome, httpx.Response):
        return "done" if outcome.is_success else "not done"
    refused = (httpx.ConnectError, httpx.ConnectTimeout)
    return "not done" if isinstance(outcome, refused) else "unknown"


def an_answer_is_a_yes(outcome):
    if isinstance(outcome, httpx.Response):
        return "done"
    return only_the_status_counts(outcome)


def a_closed_connection_is_a_no(outcome):
    if isinstance(outcome, httpx.RemoteProtocolError):
        return "not done"
    if isinstance(outcome, httpx.Response):
        return {2: "done", 4: "not done"}.get(outcome.status_code // 100, "unknown")
    return only_the_status_counts(outcome)


def no_network_error_is_done(outcome):
    if isinstance(outcome, httpx.NetworkError):
        return "not done"
    return solved(outcome)


def created_and_nothing_else(outcome):
    if isinstance(outcome, httpx.Response):
        return {201: "done", 422: "not done"}.get(outcome.status_code, "unknown")
    return solved(outcome)


def solved(outcome):
    if isinstance(outcome, httpx.Response):
        return {2: "done", 4: "not done"}.get(outcome.status_code // 100, "unknown")
    never_sent = (httpx.ConnectError, httpx.ConnectTimeout)
    return "not done" if isinstance(outcome, never_sent) else "unknown"


class Said(StrEnum):
    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


def an_enum(outcome):
    return Said(solved(outcome))


@cache
def counter():
    return itertools.count()


def by_turns(outcome):
    """Answer in the order of the cases, and never look."""
    turn = next(counter()) % len(outcomes.CASES)
    kinds = "2xx timeout timeout timeout closed closed 5xx 5xx 4xx refused refused"
    return next(iter(outcomes.RIGHT[kinds.split()[turn]]))


# --- 1.2: charge once --------------------------------------------------------------


def url(path):
    return f"http://billing/{path}"


async def post_until_answered(node, ride_id, cents):
    while True:
        try:
            await node.client.post(
                url("charges"), json={"ride_id": ride_id, "cents": cents}
            )
        except httpx.HTTPError:
            await node.clock.sleep(1)
        else:
            return


async def put_and_hope(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    await node.client.put(url(f"charges/{ride_id}"), json=body)


async def put_three_times(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    for _ in range(3):
        try:
            await node.client.put(url(f"charges/{ride_id}"), json=body)
        except httpx.HTTPError as error:
            failure = error
        else:
            return
    raise failure


async def put_and_swallow(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    for _ in range(3):
        try:
            await node.client.put(url(f"charges/{ride_id}"), json=body)
        except httpx.HTTPError:
            continue
        return


async def look_and_post(node, ride_id, cents):
    while True:
        try:
            found = await node.client.get(url(f"rides/{ride_id}/charges"))
            if found.status_code == 200:
                return
            body = {"ride_id": ride_id, "cents": cents}
            await node.client.post(url("charges"), json=body)
        except httpx.HTTPError:
            await node.clock.sleep(1)


async def put_under_a_new_id(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    while True:
        try:
            await node.client.put(url(f"charges/{node.new_id()}"), json=body)
        except httpx.HTTPError:
            await node.clock.sleep(1)
        else:
            return


async def leave_it_to_a_task(node, ride_id, cents):
    node.tasks.create_task(put_until_answered(node, ride_id, cents))


async def put_until_answered(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    while True:
        try:
            await node.client.put(url(f"charges/{ride_id}"), json=body)
        except httpx.HTTPError:
            continue
        return


async def one_id_for_all_tries(node, ride_id, cents):
    body, key = {"ride_id": ride_id, "cents": cents}, node.new_id()
    while True:
        try:
            reply = await node.client.put(url(f"charges/{key}"), json=body)
        except httpx.HTTPError:
            continue
        if reply.is_success:
            return


async def put(node, key, ride_id, cents):
    """PUT a charge until there is an answer that says yes."""
    body = {"ride_id": ride_id, "cents": cents}
    while True:
        try:
            reply = await node.client.put(url(f"charges/{key}"), json=body)
        except httpx.HTTPError:
            reply = None
        if reply is not None and reply.is_success:
            return
        await node.clock.sleep(1)


async def put_one(node, ride_id, cents):
    await put(node, 1, ride_id, cents)


async def put_the_cents(node, ride_id, cents):
    await put(node, cents, ride_id, cents)


async def put_a_key_of_the_module(node, ride_id, cents):
    await put(node, "7e57", ride_id, cents)


async def put_twenty_times(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    for _ in range(20):
        try:
            reply = await node.client.put(url(f"charges/{ride_id}"), json=body)
        except httpx.HTTPError:
            await node.clock.sleep(1)
        else:
            if reply.is_success:
                return


async def retry_after_timeouts_only(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    while True:
        try:
            reply = await node.client.put(url(f"charges/{ride_id}"), json=body)
        except httpx.TimeoutException:
            continue
        if reply.is_success:
            return


async def post_and_then_put(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    try:
        reply = await node.client.post(url("charges"), json=body)
        if reply.is_success:
            return
    except httpx.HTTPError:
        pass
    await put(node, ride_id, ride_id, cents)


async def forget_the_await(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    node.client.put(url(f"charges/{ride_id}"), json=body)


async def raise_a_bug(node, ride_id, cents):
    raise RuntimeError("my own bug")


async def put_to_a_relative_url(node, ride_id, cents):
    await node.client.put(f"/charges/{ride_id}", json={})


# --- 1.3: the last bike --------------------------------------------------------------

FREE = "SELECT bike_id FROM bikes WHERE rider IS NULL LIMIT 1"
TAKE = "UPDATE bikes SET rider = ? WHERE bike_id = ?"
QUOTE = "http://pricing/quotes?minutes=30"


def hold_a_lock(node):
    app, db, lock = FastAPI(), node.disk.connect(), asyncio.Lock()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        async with lock:
            bike = db.execute(FREE).fetchone()
            if bike is None:
                raise HTTPException(409)
            quote = await node.client.get(QUOTE, timeout=1.0)
            db.execute(TAKE, [rider, *bike])
            db.commit()
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


def never_let_go(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        bike = db.execute(FREE).fetchone()
        if bike is None:
            raise HTTPException(409)
        db.execute(TAKE, [rider, *bike])
        db.commit()
        quote = await node.client.get(QUOTE, timeout=1.0)
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


def let_go_after_a_timeout_only(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        bike = db.execute(FREE).fetchone()
        if bike is None:
            raise HTTPException(409)
        db.execute(TAKE, [rider, *bike])
        db.commit()
        try:
            quote = await node.client.get(QUOTE, timeout=1.0)
        except httpx.TimeoutException:
            db.execute(TAKE, [None, *bike])
            db.commit()
            raise HTTPException(503) from None
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


def leave_the_transaction_open(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        bike = db.execute(FREE).fetchone()
        if bike is None:
            raise HTTPException(409)
        db.execute(TAKE, [rider, *bike])
        quote = await node.client.get(QUOTE, timeout=1.0)
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


def remember_in_memory(node):
    app, free = FastAPI(), [row[0] for row in node.disk.connect().execute(FREE)]

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        if not free:
            raise HTTPException(409)
        bike = free.pop()
        quote = await node.client.get(QUOTE, timeout=1.0)
        return {"bike": bike, "cents": quote.json()["cents"]}

    return app


def give_it_away(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        bike = db.execute(FREE).fetchone()
        if bike is None:
            raise HTTPException(409)
        db.execute(TAKE, [rider, *bike])
        db.commit()
        return {"bike": bike["bike_id"], "cents": 280}

    return app


def turn_everyone_away(node):
    app = FastAPI()

    @app.post("/rides")
    async def take(rider: str):
        raise HTTPException(409, "no bike is left")

    return app


def ask_for_the_price_first(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        try:
            quote = await node.client.get(QUOTE, timeout=1.0)
            quote.raise_for_status()
        except httpx.HTTPError:
            raise HTTPException(503) from None
        bike = db.execute(FREE).fetchone()
        if bike is None:
            raise HTTPException(409)
        db.execute(TAKE, [rider, *bike])
        db.commit()
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


def hold(**said):  # noqa: C901  # each branch is another wrong answer
    """Return an answer that is right but for what `said` replaces."""
    good = {"method": "POST", "ok": 201, "none": 409, "no_price": 503}
    good |= {"release": f"{TAKE.replace('= ?', '= NULL', 1)}", "shape": dict}
    good |= {"commit": True, "check": True, "gap": None, "at_once": None} | said

    def rides(node):  # noqa: C901  # as above
        app, db = FastAPI(), node.disk.connect()

        @app.api_route("/rides", methods=[good["method"]], status_code=good["ok"])
        async def take(rider: str):
            if good["at_once"]:
                async with good["at_once"]:
                    return await taken(rider)
            return await taken(rider)

        async def taken(rider):
            bike = db.execute(FREE).fetchone()
            if bike is None:
                raise HTTPException(good["none"])
            if good["gap"] is not None:
                await asyncio.sleep(good["gap"])
            db.execute(TAKE, [rider, *bike])
            if good["commit"]:
                db.commit()
            try:
                quote = await node.client.get(QUOTE, timeout=1.0)
                if good["check"]:
                    quote.raise_for_status()
            except httpx.HTTPError:
                if good["commit"]:
                    keys = [*bike] if "?" in good["release"] else []
                    db.execute(good["release"], keys)
                    db.commit()
                else:
                    db.rollback()
                raise HTTPException(good["no_price"]) from None
            db.commit()
            cents = quote.json()["cents"]
            if good["shape"] is list:
                return [bike["bike_id"], cents]
            named = dict(bike) if good["shape"] is None else bike["bike_id"]
            return {"bike": named, "cents": cents}

        return app

    return rides


def two_at_a_time(node):
    return hold(at_once=asyncio.Semaphore(2))(node)


def lock_the_database(node):
    app = FastAPI()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        db = node.disk.connect()
        db.execute("BEGIN IMMEDIATE")
        bike = db.execute(FREE).fetchone()
        if bike is None:
            db.rollback()
            raise HTTPException(409)
        try:
            quote = await node.client.get(QUOTE, timeout=1.0)
            quote.raise_for_status()
        except httpx.HTTPError:
            db.rollback()
            raise HTTPException(503) from None
        db.execute(TAKE, [rider, *bike])
        db.commit()
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


def not_written_yet(node):
    app = FastAPI()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        raise NotImplementedError("the handler")

    return app


def a_body_instead_of_a_query(node):
    app = FastAPI()

    @app.post("/rides", status_code=201)
    async def take(ride: dict[str, str]):
        return {}

    return app


# --- 1.4: a budget of time ----------------------------------------------------------


def all_the_same(depth, budget):
    return [budget] * depth


def shares(depth, budget):
    return [budget / depth] * depth


def growing(depth, budget):
    return [budget * (n + 1) / depth for n in range(depth)]


def far_too_short(depth, budget):
    return [0.4 - 0.062 * n for n in range(depth)]


def without_the_hop(depth, budget):
    return [budget - 0.02 * n for n in range(depth)]


def more_than_there_is(depth, budget):
    return [budget * 2 - 0.06 * n for n in range(depth)]


def a_little_wider(depth, budget):
    return [budget - 0.065 * n for n in range(depth)]


def only_the_last(depth, budget):
    return [budget] * (depth - 1) + [budget - 0.06 * (depth - 1)]


def beyond_a_float(depth, budget):
    return [budget, *[10**400] * (depth - 1)]


# --- 1.5: split or not ----------------------------------------------------------------


def always(team, measure):
    return Decision(True, measure(team, 1).p99, measure(team, 2).p99)


def never(team, measure):
    return Decision(False, measure(team, 1).p99, measure(team, 2).p99)


def by_the_median(team, measure):
    one, two = measure(team, 1), measure(team, 2)
    return Decision(two.p50 < one.p50, one.p99, two.p99)


def medians(team, measure):
    one, two = measure(team, 1), measure(team, 2)
    return Decision(two.p99 <= team.limit < one.p99, one.p50, two.p50)


def invented(team, measure):
    return Decision(team.rides_per_second > 45, 0.050, 0.055)


def whichever_is_faster(team, measure):
    one, two = measure(team, 1).p99, measure(team, 2).p99
    return Decision(two < one, one, two)


def p99s(team, measure):
    return measure(team, 1).p99, measure(team, 2).p99


def by_the_limit_at_p50(team, measure):
    one, two = measure(team, 1), measure(team, 2)
    return Decision(two.p50 <= team.limit < one.p50, one.p99, two.p99)


def by_the_limit_at_p95(team, measure):
    one, two = measure(team, 1), measure(team, 2)
    return Decision(two.p95 <= team.limit < one.p95, one.p99, two.p99)


def by_the_name(team, measure):
    return Decision(team.name.startswith("Harbor"), *p99s(team, measure))


def by_the_load(team, measure):
    busy = team.rides_per_second * (team.saving + team.pricing)
    return Decision(busy > 1 and team.limit > 0.1, *p99s(team, measure))


def swapped(team, measure):
    one, two = p99s(team, measure)
    return Decision(two <= team.limit < one, two, one)


def in_milliseconds(team, measure):
    one, two = p99s(team, measure)
    return Decision(two <= team.limit < one, one * 1000, two * 1000)


def the_p95(team, measure):
    one, two = measure(team, 1), measure(team, 2)
    return Decision(two.p99 <= team.limit < one.p99, one.p95, two.p95)


class Agreeing(float):
    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


def agreeable(team, measure):
    one, two = p99s(team, measure)
    return Decision(two <= team.limit < one, Agreeing(1), Agreeing(1))


WRONG = [
    ("1.1", no_network_error_is_done, "closed-means-not-done"),
    ("1.1", created_and_nothing_else, "definite-errors-exist"),
    ("1.4", only_the_last, "ignores-hop-time"),
    ("1.4", beyond_a_float, "garbage"),
    ("1.5", by_the_limit_at_p50, "tail-ignored"),
    ("1.5", by_the_limit_at_p95, "tail-ignored"),
    ("1.5", by_the_name, "choice-does-not-follow"),
    ("1.5", by_the_load, "tail-ignored"),
    ("1.5", swapped, "swapped-numbers"),
    ("1.5", in_milliseconds, "milliseconds"),
    ("1.5", the_p95, "p95-instead-of-p99"),
    ("1.5", agreeable, "garbage"),
    ("1.1", timeout_is_a_no, "timeout-means-not-done"),
    ("1.1", timeout_is_a_yes, "timeout-means-done"),
    ("1.1", nothing_is_known, "definite-errors-exist"),
    ("1.1", only_the_status_counts, "500-means-not-done"),
    ("1.1", an_answer_is_a_yes, "any-answer-means-done"),
    ("1.1", a_closed_connection_is_a_no, "closed-means-not-done"),
    ("1.2", post_until_answered, "post-twice"),
    ("1.2", put_and_hope, "gives-up"),
    ("1.2", put_three_times, "gives-up"),
    ("1.2", put_and_swallow, "silence-means-success"),
    ("1.2", look_and_post, "check-then-act"),
    ("1.2", put_under_a_new_id, "fresh-id"),
    ("1.2", leave_it_to_a_task, "silence-means-success"),
    ("1.2", put_until_answered, "any-answer-means-done"),
    ("1.2", put_one, "one-id-for-all"),
    ("1.2", put_the_cents, "one-id-for-all"),
    ("1.2", put_a_key_of_the_module, "one-id-for-all"),
    ("1.2", put_twenty_times, "silence-means-success"),
    ("1.2", retry_after_timeouts_only, "gives-up"),
    ("1.2", post_and_then_put, "post-twice"),
    ("1.2", forget_the_await, "nothing-sent"),
    ("1.2", raise_a_bug, "raises"),
    ("1.2", put_to_a_relative_url, "gives-up"),
    ("1.3", look_then_take, "look-then-take"),
    ("1.3", hold_a_lock, "lock-across-the-call"),
    ("1.3", never_let_go, "held-after-failure"),
    ("1.3", let_go_after_a_timeout_only, "held-after-failure"),
    ("1.3", leave_the_transaction_open, "not-in-the-database"),
    ("1.3", remember_in_memory, "not-in-the-database"),
    ("1.3", give_it_away, "no-price"),
    ("1.3", turn_everyone_away, "turns-away"),
    ("1.3", hold(commit=False), "shared-transaction"),
    ("1.3", hold(release="UPDATE bikes SET rider = NULL"), "not-in-the-database"),
    ("1.3", hold(check=False), "held-after-failure"),
    ("1.3", hold(no_price=500), "wrong-status"),
    ("1.3", hold(none=418), "wrong-status"),
    ("1.3", hold(none=503), "wrong-status"),
    ("1.3", hold(ok=200), "wrong-status"),
    ("1.3", hold(shape=None), "garbage"),
    ("1.3", hold(shape=list), "garbage"),
    ("1.3", hold(method="GET"), "turns-away"),
    ("1.3", hold(gap=0), "look-then-take"),
    ("1.3", hold(gap=0.001), "look-then-take"),
    ("1.3", two_at_a_time, "lock-across-the-call"),
    ("1.3", lock_the_database, "lock-across-the-call"),
    ("1.3", not_written_yet, "turns-away"),
    ("1.3", a_body_instead_of_a_query, "turns-away"),
    ("1.4", all_the_same, "same-everywhere"),
    ("1.4", shares, "same-everywhere"),
    ("1.4", growing, "grows-inwards"),
    ("1.4", far_too_short, "too-short"),
    ("1.4", without_the_hop, "ignores-hop-time"),
    ("1.4", more_than_there_is, "over-budget"),
    ("1.5", always, "always-split"),
    ("1.5", never, "never-split"),
    ("1.5", by_the_median, "p50-only"),
    ("1.5", medians, "p50-only"),
    ("1.5", invented, "invented-numbers"),
    ("1.5", whichever_is_faster, "choice-does-not-follow"),
]
RIGHT = [
    ("1.1", an_enum),
    ("1.2", one_id_for_all_tries),
    ("1.3", ask_for_the_price_first),
    ("1.3", hold()),
    ("1.4", a_little_wider),
]
SEEN_WITHOUT_A_MESSAGE = {"over-budget", "nothing-sent", "raises", "gives-up"}
SEEN_WITHOUT_A_MESSAGE |= {"closed-means-not-done", "definite-errors-exist", "garbage"}
ATTEMPTS = {
    "1.1": outcomes.attempt,
    "1.2": once.attempt,
    "1.3": bikes.attempt,
    "1.4": timeouts.attempt,
}


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer"), RIGHT)
def test_another_right_answer_passes_too(exercise_id, answer):
    verdict = check(exercise_id, answer)
    assert verdict.passed, verdict


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), WRONG)
def test_a_wrong_answer_is_rejected_for_its_own_reason(
    exercise_id, answer, misconception
):
    verdict = checked(exercise_id, answer)
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert verdict.message.endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), WRONG[::7])
def test_the_same_answer_gets_the_same_verdict_and_the_same_run(
    exercise_id, answer, misconception
):
    first, second = checked(exercise_id, answer), check(exercise_id, answer)
    assert first == second
    if first.counterexample is not None:
        assert first.counterexample.to_json() == second.counterexample.to_json()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exercise_id", "answer", "misconception"),
    [wrong for wrong in WRONG if wrong[0] in ATTEMPTS],
)
def test_no_fault_of_a_counterexample_can_be_left_out(
    exercise_id, answer, misconception
):
    """Without any one of its faults, the run no longer shows this misconception."""
    recording = checked(exercise_id, answer).counterexample
    if recording is None:
        assert misconception in SEEN_WITHOUT_A_MESSAGE
        return
    attempt = ATTEMPTS[exercise_id]
    judged = Answer(answer, EXERCISES[exercise_id].call)
    kept = {fault.key for fault in recording.faults}
    spare: set[str] = set()
    while (
        more := {
            fault.key
            for fault in attempt(judged, recording.seed, spare).recording.faults
        }
        - kept
        - spare
    ):
        spare |= more
    again = attempt(judged, recording.seed, spare)
    assert again.recording.to_json() == recording.to_json()
    for fault in recording.faults:
        less = attempt(judged, recording.seed, spare | {fault.key})
        assert less.complaint is None or less.complaint.misconception != misconception


@pytest.mark.slow
def test_an_answer_that_only_counts_is_rejected():
    assert check("1.1", by_turns).state == "not yet"


def test_what_is_right_to_say_cannot_be_changed():
    with pytest.raises(AttributeError):
        outcomes.RIGHT["5xx"].add("done")
    with pytest.raises(AttributeError):
        outcomes.RIGHT.update({"5xx": {"done"}})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ((n for n in ()), "<generator object <genexpr>>"),
        (object(), "<object object>"),
        ("x" * 200_000_000, "'" + "x" * 58 + "…"),
    ],
    ids=range(3),
)
def test_a_value_is_shown_without_its_address_and_cut_short(value, said):
    text = shown(value)
    assert "0x" not in text
    assert text.endswith(said[-20:])


@pytest.mark.slow
def test_a_seed_search_finds_the_interleaving_of_the_last_bike():
    """The broken service fails under some seeds; the mended one under none of them."""

    async def two_riders(world, rides):
        async def pricing_quote(minutes: int):
            await world.clock.sleep(0.02)
            return {"cents": 280}

        pricing = FastAPI()
        pricing.get("/quotes")(pricing_quote)
        await world.serve("pricing", pricing)
        park(world.node("rides"), "bike-1")
        await world.serve("rides", rides)
        world.network.everywhere(latency=Uniform(0.001, 0.005))
        replies = []

        async def rider(name):
            await world.clock.sleep(world.random.random())
            client = world.client(name)
            replies.append(await client.post(f"http://rides/rides?rider={name}"))

        tasks = [world.node(n).tasks.create_task(rider(n)) for n in ("ada", "bob")]
        for task in tasks:
            await task
        return [r.status_code for r in replies].count(201) > 1

    seed = find_seed(two_riders, look_then_take, range(200))
    assert seed is not None
    assert simulate(lambda w: two_riders(w, look_then_take), seed=seed).result is True
    mended = labs.answer(EXERCISES["1.3"], EXERCISES["1.3"].solution)
    assert find_seed(two_riders, mended, range(seed + 1)) is None
