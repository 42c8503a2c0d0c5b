"""What every backend promises, and what a platform promises on any of them."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from functools import partial
from typing import Any

import httpx
import pytest

from movingparts.bus import Event
from movingparts.function import (
    Every,
    FunctionError,
    InitError,
    Invocation,
    Platform,
    Request,
    Result,
    Retry,
    Subject,
    gateway,
)
from tests.contract.functions import ECHO, Place, in_lambda, in_processes, simulated

PLACES = {
    "simulated": simulated,
    "spawned": in_processes(None),
    "forked": in_processes(("asyncio", "threading")),
}
IN_WORLDS = {"simulated": simulated, "local": in_processes((), world=True)}


def places(known: dict[str, Any]) -> list[Any]:
    """All, with those that start processes marked as slow."""
    slow = {name: pytest.mark.slow for name in known if name != "simulated"}
    return [
        pytest.param(run, id=name, marks=slow.get(name, ()))
        for name, run in known.items()
    ]


linux = pytest.mark.skipif(
    sys.platform != "linux",
    reason="awslambdaric has wheels for Linux alone: run `make test` there",
)
AWS = pytest.param(in_lambda, id="lambda", marks=[pytest.mark.slow, linux])

anywhere = pytest.mark.parametrize("run", places(PLACES))
# AWS's runtime calls no async handler, takes one request at a time, and words errors
# in its own way: tests/function/test_lambda_api.py.
on_lambda_too = pytest.mark.parametrize("run", [*places(PLACES), AWS])
in_each_world = pytest.mark.parametrize("run", places(IN_WORLDS))
TWO = places({name: PLACES[name] for name in ("simulated", "forked")})
on_each = pytest.mark.parametrize("run", TWO)
# Waits of a retry that a test in real time can afford.
SOON = partial(Retry, first=0.01, longest=0.02)


# --- an instance ------------------------------------------------------------------


@anywhere
def test_a_handlers_value_is_the_result(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        source = "def handler(event, context):\n    return [event['minutes'] * 15]"
        return await place.run(source, {"minutes": 4})

    result = run(scenario)
    assert ("ok", [60], "", True) == result_of(result)
    assert result.peak_mb > 0


def result_of(result: Result) -> tuple[str, Any, str, bool]:
    return result.status, result.value, result.error, result.alive


@anywhere
def test_an_exception_is_an_error_that_says_what_and_where(run: Any) -> None:
    source = (
        "class Closed(Exception): ...\n"
        "def fare(minutes):\n    raise Closed('no tariff')\n"
        "def handler(event, context):\n    return fare(event)"
    )

    async def scenario(place: Place) -> Any:
        return await place.run(source, 4)

    error = "fares.Closed: no tariff (in fare, line 3)"
    assert ("error", None, error, True) == result_of(run(scenario))


@anywhere
@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (in <module>, line 1)"),
        ("def handler(:", "SyntaxError: invalid syntax"),
        ("import os\nos.environ['TARIFF']", "KeyError: 'TARIFF'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("price = 15", "the source has no handler(event, context)"),
        ("handler = 15", "the source has no handler(event, context)"),
    ],
)
def test_a_source_that_fails_at_once_is_an_init_error(
    run: Any, source: str, why: str
) -> None:
    async def scenario(place: Place) -> str:
        with pytest.raises(InitError) as error:
            await place.start(source)
        return str(error.value)

    found = run(scenario)
    assert why == found[: len(why)]


@anywhere
def test_a_handler_is_ended_when_its_time_is_over(run: Any) -> None:
    source = (
        "import asyncio\nasync def handler(event, context):\n"
        "    await asyncio.sleep(60)"
    )

    async def scenario(place: Place) -> Any:
        return await place.run(source, timeout=0.1)

    assert ("timeout", None, "over 0.1 s", False) == result_of(run(scenario))


@anywhere
def test_a_timeout_that_the_handler_meets_itself_is_an_error(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        source = "def handler(event, context):\n    raise TimeoutError('bank')"
        return await place.run(source)

    error = "TimeoutError: bank (in handler, line 2)"
    assert ("error", None, error, True) == result_of(run(scenario))


@on_lambda_too
def test_a_handler_out_of_memory_ends_its_instance(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        return await place.run("def handler(event, context):\n    raise MemoryError")

    assert ("memory", None, "out of memory", False) == result_of(run(scenario))


@anywhere
def test_a_handler_that_ends_its_process_is_killed(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        return await place.run("def handler(event, context):\n    raise SystemExit(3)")

    status, value, error, alive = result_of(run(scenario))
    assert ("killed", None, False) == (status, value, alive)
    assert error.startswith("its process is gone")


COUNTS = """
calls = 0

def handler(event, context):
    global calls
    calls += 1
    return calls
"""


@on_lambda_too
def test_a_global_survives_in_an_instance_and_is_new_in_the_next(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        one, two = await place.start(COUNTS), await place.start(COUNTS)
        used = [one, one, two, one]
        return [(await each.run(Request("r", None))).value for each in used]

    assert [1, 2, 1, 3] == run(scenario)


@anywhere
def test_an_instance_has_its_environment_and_not_the_platforms(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_PLATFORM", "secret")
    source = (
        "import os\nTARIFF = os.environ['TARIFF']\n"
        "async def handler(event, context):\n"
        "    await context.invoke('other', 1)\n"
        "    return [TARIFF, os.getenv('TARIFF'), os.getenv('OF_THE_PLATFORM')]"
    )

    async def scenario(place: Place) -> Any:
        instance = await place.start(source, environment={"TARIFF": "15"})
        return await instance.run(Request("r", None, answer))

    async def answer(name: str, event: Any) -> Any:
        return None

    assert ["15", "15", None] == run(scenario).value


@on_lambda_too
def test_the_context_has_lambdas_names(run: Any) -> None:
    source = (
        "def handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [context.aws_request_id, context.function_name,\n"
        "            context.function_version, context.memory_limit_in_mb,\n"
        "            0 < left <= 3000]"
    )

    async def scenario(place: Place) -> Any:
        return await place.run(source, memory_mb=256)

    assert ["r1", "fares", "1", "256", True] == run(scenario).value


@on_lambda_too
@pytest.mark.parametrize("event", [None, 1.5, "é", [1, {"a": []}], {"x": "y" * 10**6}])
def test_events_and_values_are_any_json(run: Any, event: Any) -> None:
    async def scenario(place: Place) -> Any:
        return await place.run(ECHO, event)

    assert event == run(scenario).value


@on_lambda_too
def test_a_handler_cannot_change_the_platforms_event(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        event = {"ride": 1}
        source = "def handler(event, context):\n    event['seen'] = True"
        await place.run(source, event)
        return event

    assert {"ride": 1} == run(scenario)


@anywhere
def test_a_value_that_is_no_json_is_an_error(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        return await place.run("def handler(event, context):\n    return {1, 2}")

    status, value, error, alive = result_of(run(scenario))
    assert ("error", None, True) == (status, value, alive)
    assert error.startswith("TypeError: Object of type set is not JSON serializable")


CALLS = """
import asyncio

async def handler(event, context):
    both = [context.invoke("price", minutes) for minutes in event]
    return await asyncio.gather(*both)
"""


@anywhere
def test_an_async_handler_calls_functions_at_once(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        asked: list[int] = []

        async def price(name: str, event: Any) -> Any:
            asked.append(event)
            await place.until(lambda: len(asked) == 2)  # so both are under way
            return [name, event * 15]

        instance = await place.start(CALLS)
        return await instance.run(Request("r", [1, 2], price))

    assert [["price", 15], ["price", 30]] == run(scenario).value


@anywhere
def test_a_failed_call_is_raised_in_the_handler(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        async def price(name: str, event: Any) -> Any:
            raise FunctionError("price: error no tariff")

        instance = await place.start(CALLS)
        return await instance.run(Request("r", [1], price))

    status, _, error, _ = result_of(run(scenario))
    assert "error" == status
    assert error.startswith(
        "movingparts.function.contract.FunctionError: price: error no tariff"
    )


WAITS = """
import asyncio

here = set()

async def handler(event, context):
    here.add(event)
    for _ in range(400):
        if len(here) == 2:
            return sorted(here)
        await asyncio.sleep(0.01)
"""


@anywhere
def test_an_instance_with_concurrency_runs_requests_at_once(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        instance = await place.start(WAITS, concurrency=2, timeout=10)
        both = [instance.run(Request(f"r{number}", number)) for number in (1, 2)]
        return [result.value for result in await asyncio.gather(*both)]

    assert [[1, 2], [1, 2]] == run(scenario)


DIES = """
import asyncio

async def handler(event, context):
    await asyncio.sleep(event)
    if event < 1:
        raise SystemExit
"""


@anywhere
@pytest.mark.parametrize(("first", "status"), [(0.1, "killed"), (2.0, "timeout")])
def test_an_instance_takes_its_other_requests_with_it(
    run: Any, first: float, status: str
) -> None:
    async def scenario(place: Place) -> Any:
        instance = await place.start(DIES, concurrency=2, timeout=0.5)

        async def ended(wait: float) -> str:
            result = await instance.run(Request(f"r{wait}", wait))
            if not result.alive:
                await instance.close()
            return result.status

        early = asyncio.create_task(ended(first))
        await place.clock.sleep(0.05)
        late = asyncio.create_task(ended(60.0))
        return [await early, await late]

    assert [status, "killed"] == run(scenario)


@anywhere
def test_closing_an_instance_ends_its_request_and_is_repeatable(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        instance = await place.start(DIES, timeout=60)
        waits = asyncio.create_task(instance.run(Request("r", 60.0)))
        await place.clock.sleep(0.05)
        await instance.close()
        await instance.close()
        return (await waits).status

    assert "killed" == run(scenario)


# --- a platform -------------------------------------------------------------------


HOLDS = """
import asyncio

async def handler(event, context):
    await asyncio.sleep(event)
"""


def numbers(platform: Platform, name: str = "fares") -> list[int]:
    return [count for _, function, count in platform.sizes if function == name]


async def at_once(platform: Platform, *events: float) -> list[Invocation]:
    return await asyncio.gather(*(platform.invoke("fares", each) for each in events))


@on_each
def test_instances_grow_from_zero_with_requests_and_back_to_zero(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        await platform.deploy("fares", HOLDS, keep_warm=0.2, timeout=20)
        first = await at_once(platform, 0.3, 0.3, 0.3)
        again = await at_once(platform, 0.0, 0.0)
        await place.until(lambda: numbers(platform)[-1] == 0)
        cold = await platform.invoke("fares", 0.0)
        await platform.close()
        warmth = [each.cold for each in [*first, *again, cold]]
        return warmth, again[0].init, numbers(platform)

    warmth, init, sizes = run(scenario)
    assert [True, True, True, False, False, True] == warmth
    assert 0.0 == init
    assert [1, 2, 3, 2, 1, 0, 1, 0] == sizes


@on_each
def test_a_request_over_the_limit_is_throttled_and_not_run(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform(limit=2)
        await platform.deploy("fares", HOLDS)
        done = await at_once(platform, 0.3, 0.3, 0.0)
        await platform.close()
        return [(each.status, each.took) for each in done]

    done = run(scenario)
    assert ["ok", "ok", "throttled"] == [status for status, _ in done]
    assert 0.0 == done[-1][1]


@on_each
def test_reserved_instances_are_kept_from_the_others(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform(limit=2)
        await platform.deploy("receipts", HOLDS, reserved=1)
        await platform.deploy("fares", HOLDS)
        names = ["fares", "fares", "receipts", "receipts"]
        done = await asyncio.gather(*(platform.invoke(name, 0.3) for name in names))
        with pytest.raises(FunctionError, match="2 of 2 can't be reserved"):
            await platform.deploy("rides", HOLDS, reserved=2)
        await platform.close()
        return [each.status for each in done]

    assert ["ok", "throttled", "ok", "throttled"] == run(scenario)


@on_each
def test_a_provisioned_instance_is_there_before_the_first_request(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        await platform.deploy("fares", HOLDS, provisioned=1, keep_warm=0.01)
        before = numbers(platform)
        done = await at_once(platform, 0.1, 0.1)
        await place.until(lambda: numbers(platform)[-1] == 1)
        await platform.close()
        return before, [(each.cold, each.provisioned) for each in done]

    before, done = run(scenario)
    assert [1] == before
    assert [(False, True), (True, False)] == done


@on_each
def test_a_provisioned_instance_that_dies_is_replaced(run: Any) -> None:
    source = "def handler(event, context):\n    raise SystemExit"

    async def scenario(place: Place) -> Any:
        platform = place.platform()
        await platform.deploy("fares", source, provisioned=1)
        done = await platform.invoke("fares", None)
        await place.until(lambda: numbers(platform)[-1] == 1)
        again = await platform.invoke("fares", None)
        await platform.close()
        return done.status, again.cold, again.instance

    assert ("killed", False, 2) == run(scenario)


@on_each
def test_requests_share_an_instance_that_still_starts(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        await platform.deploy("fares", HOLDS, concurrency=3)
        done = await at_once(platform, 0.3, 0.3, 0.3, 0.3)
        await platform.close()
        return Counter(each.instance for each in done)

    assert [1, 3] == sorted(run(scenario).values())


@on_each
def test_those_who_share_a_start_share_its_error(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        await platform.deploy("fares", "1 / 0", concurrency=2)
        done = await at_once(platform, 0, 0, 0)
        return [(each.status, each.error[:17], len(platform.sizes)) for each in done]

    assert [("init", "ZeroDivisionError", 0)] * 3 == run(scenario)


@pytest.mark.parametrize("run", [*TWO, AWS])
def test_a_new_version_replaces_and_a_rollback_returns(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        for price in (15, 20):
            source = f"def handler(event, context):\n    return {price}"
            await platform.deploy("fares", source)
        platform.alias("fares", "canary", 2)
        names = ["fares", "fares:1", "fares:live", "fares:canary"]
        found = [(await platform.invoke(name, None)).value for name in names]
        returned = platform.roll_back("fares")
        found.append((await platform.invoke("fares", None)).value)
        await platform.close()
        return found, returned

    assert ([20, 15, 20, 20, 15], 1) == run(scenario)


@pytest.mark.parametrize("run", [*TWO, AWS])
def test_functions_get_the_secrets_that_they_name(run: Any) -> None:
    source = (
        "import os\ndef handler(event, context):\n"
        "    return [os.getenv('BANK_KEY'), os.getenv('RIDERS_KEY')]"
    )

    async def scenario(place: Place) -> Any:
        keys = {"BANK_KEY": "b", "RIDERS_KEY": "r"}
        platform = place.platform(secrets=keys)
        await platform.deploy("fares", source, secrets=("BANK_KEY",))
        done = await platform.invoke("fares", None)
        await platform.close()
        return done.value

    assert ["b", None] == run(scenario)


@on_each
def test_a_function_that_waits_for_another_is_its_parent(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        await platform.deploy("price", ECHO)
        await platform.deploy("fares", CALLS)
        done = await platform.invoke("fares", [4])
        await platform.close()
        inner = platform.invocations[0]
        return done.value, inner.function, inner.parent == done.id

    assert ([4], "price", True) == run(scenario)


FAILS = """
async def handler(event, context):
    if await context.invoke("tries", event["ride"]) < event["fails"]:
        raise ValueError("no tariff")
"""
TRIES = """
tries = {}

def handler(event, context):
    tries[event] = tries.get(event, 0) + 1
    return tries[event] - 1
"""


async def failing(place: Place, retry: Retry, fails: int) -> Any:
    """Send one event that fails so often; return its outcomes, and what is left."""
    platform = place.platform()
    letters: list[Event] = []

    async def kept(event: Event) -> None:
        letters.append(event)

    await place.node.bus.subscribe("given-up", kept)
    await platform.deploy("tries", TRIES, provisioned=1)
    await platform.deploy("fares", FAILS, retry=retry, dead_letter="given-up")
    platform.send("fares", {"ride": 1, "fails": fails}, request_id="ride-1")
    await place.until(lambda: not platform.queue)
    await place.clock.sleep(0.05)
    await platform.close()
    done = [each for each in platform.invocations if each.function == "fares"]
    return [(each.id, each.status) for each in done], letters


@on_each
def test_an_event_is_run_again_under_its_id_until_it_succeeds(run: Any) -> None:
    done, letters = run(partial(failing, retry=SOON(), fails=2))
    assert [("ride-1", "error"), ("ride-1", "error"), ("ride-1", "ok")] == done
    assert [] == letters


@on_each
def test_a_poison_event_becomes_a_dead_letter_that_says_why(run: Any) -> None:
    done, letters = run(partial(failing, retry=SOON(retries=1), fails=99))
    assert [("ride-1", "error")] * 2 == done
    (letter,) = letters
    assert ("InvocationGivenUp", "ride-1") == (letter.type, letter.subject)
    assert {
        "event": {"ride": 1, "fails": 99},
        "status": "error",
        "error": "ValueError: no tariff (in handler, line 4)",
    } == letter.data


@on_each
def test_an_event_is_given_up_at_its_age(run: Any) -> None:
    retry = SOON(retries=1_000, max_age=0.4)
    done, letters = run(partial(failing, retry=retry, fails=9_999))
    assert 2 < len(done) < 100
    assert 1 == len(letters)


@on_each
def test_a_throttled_event_waits_and_is_no_failure(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform(limit=1)
        retry = Retry(retries=0, first=0.05, longest=0.1)
        await platform.deploy("fares", HOLDS, retry=retry)
        busy = asyncio.create_task(platform.invoke("fares", 0.3))
        await place.clock.sleep(0.05)
        platform.send("fares", 0.0)
        await busy
        await place.until(lambda: not platform.queue)
        await platform.close()
        return [each.status for each in platform.invocations]

    statuses = run(scenario)
    assert {"throttled", "ok"} == set(statuses)
    assert 2 == statuses.count("ok")


# --- triggers ---------------------------------------------------------------------


@in_each_world
def test_an_event_on_a_subject_runs_a_function(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform, node = place.platform(), place.node
        await node.bus.stream("rides", "rides.>")
        source = "def handler(event, context):\n    return event['data']['ride']"
        trigger = (Subject("rides.ended"),)
        await platform.deploy("receipts", source, triggers=trigger)
        await platform.deploy("receipts", source, triggers=trigger)
        for ride in (1, 2):
            event = Event(f"e{ride}", "/rides", "RideEnded", {"ride": ride})
            await node.bus.publish("rides.ended", event)
        await place.until(lambda: len(platform.invocations) == 2)
        await place.until(lambda: not platform.queue)
        await platform.close()
        return sorted((each.value, each.id) for each in platform.invocations)

    expected = [(1, "receipts /rides e1"), (2, "receipts /rides e2")]
    assert expected == run(scenario)


@in_each_world
def test_a_schedule_runs_a_function_once_a_period(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        platform = place.platform()
        trigger = (Every(0.2),)
        await platform.deploy("receipts", ECHO, triggers=trigger)
        await platform.deploy("receipts", ECHO, triggers=trigger)
        await place.until(lambda: len(platform.invocations) == 3)
        await platform.close()
        return [each.value["id"] for each in platform.invocations]

    ids = [int(number) for number in run(scenario)]
    assert [ids[0], ids[0] + 1, ids[0] + 2] == ids


@in_each_world
def test_a_function_answers_a_request(run: Any) -> None:
    async def scenario(place: Place) -> Any:
        assert place.world is not None
        platform = Platform(place.node, place.backend)
        await platform.deploy("fares", FARES, timeout=0.3)
        await place.world.serve("gateway", lambda node: gateway(node, platform))
        client = place.world.client("rider")

        async def ask(name: str, **request: Any) -> Any:
            reply = await client.post(f"http://gateway/functions/{name}", **request)
            return reply.status_code, answered(reply)

        answers = [
            await ask("fares", json={"minutes": 4}),
            await ask("fares", json={}),
            await ask("fares", json={"sleep": 60}),
            await ask("fares", content=b"{"),
            await ask("bikes", json={}),
        ]
        later = {"Prefer": "respond-async"}
        status, body = await ask("fares", json={"minutes": 1}, headers=later)
        await place.until(lambda: not platform.queue)
        done = platform.invocations[-1]
        await platform.close()
        return answers, status, (body["id"], 15) == (done.id, done.value)

    answers, status, was_run = run(scenario)
    assert [
        (200, 60),
        (502, "fares: error KeyError: 'minutes' (in handler, line 6)"),
        (504, "fares: timeout over 0.3 s"),
        (400, "the event is no"),
        (404, "there is no function 'bikes'; there are: fares"),
    ] == answers
    assert (202, True) == (status, was_run)


FARES = """
import asyncio

async def handler(event, context):
    await asyncio.sleep(event.get("sleep", 0))
    return event["minutes"] * 15
"""


def answered(reply: httpx.Response) -> Any:
    found = reply.json()
    if isinstance(found, dict) and "detail" in found:
        return found["detail"].split(" JSON:")[0]
    return found
