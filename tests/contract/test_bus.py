"""What every bus does: in memory, over a simulated network, and on NATS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from movingparts.bus import (
    BusError,
    BusTimeout,
    Event,
    EventError,
    NoResponders,
    SubjectError,
)
from tests.bus.rigs import Rig, Seen, event, run_bare, run_on_nats, run_simulated

SOON = 0.3  # seconds of ack_wait where an acknowledgment is missing


@pytest.fixture(
    params=[
        pytest.param(run_bare, id="memory"),
        pytest.param(run_simulated, id="simulated"),
        pytest.param(run_on_nats, id="nats", marks=pytest.mark.slow),
    ]
)
def run(request: pytest.FixtureRequest, tmp_path: Any) -> Callable[[Any], None]:
    return lambda scenario: request.param(scenario, tmp_path)


@pytest.fixture(
    params=[
        pytest.param(run_simulated, id="simulated"),
        pytest.param(run_on_nats, id="nats", marks=pytest.mark.slow),
    ]
)
def run_as_bytes(
    request: pytest.FixtureRequest, tmp_path: Any
) -> Callable[[Any], None]:
    """Return where events travel as bytes; bare memory hands the object over."""
    return lambda scenario: request.param(scenario, tmp_path)


def test_a_subscriber_gets_what_is_published_as_it_was(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        seen = Seen()
        await billing.subscribe("rides.ended", seen)
        sent = event(1, subject="bike/212", extensions={"zone": "north", "fleet": 3})
        await rides.publish("rides.ended", sent)
        await seen.reach(1)
        [got] = seen.events
        assert sent.to_body() == _without_trace(got)

    run(scenario)


def _without_trace(event: Event) -> dict[str, Any]:
    body = event.to_body()
    body.pop("traceparent", None)
    return body


def test_wildcards_choose_subjects_by_words(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        one, rest, exact = Seen(), Seen(), Seen()
        await billing.subscribe("rides.*", one)
        await billing.subscribe("rides.>", rest)
        await billing.subscribe("rides.ended", exact)
        for number, subject in enumerate(
            ["rides.ended", "rides.ended.late", "docks.ended", "rides.started"]
        ):
            await rides.publish(subject, event(number))
        await asyncio.gather(one.reach(2), rest.reach(3), exact.reach(1))
        assert ["0", "3"] == one.ids
        assert ["0", "1", "3"] == rest.ids
        assert ["0"] == exact.ids

    run(scenario)


@pytest.mark.parametrize("queue", [None, "watch"])
@pytest.mark.parametrize("pattern", [">", "*.>", "*.*"])
def test_a_wildcard_matches_what_services_publish_and_nothing_else(run, pattern, queue):
    """Whatever a bus itself sends: replies, deliveries, acknowledgments, commands."""

    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        watch, watched = await rig.bus("watch"), Seen()
        await watch.subscribe(pattern, watched, queue=queue)

        async def quote(_: Event) -> Event:
            return Event("quoted", "/pricing", "Quoted")

        await billing.subscribe("pricing.quote", quote)
        await rides.stream("rides", "rides.>")
        paid, refused = Seen(), Seen(failures=2)
        await billing.subscribe("rides.*", paid, durable="billing")
        await billing.subscribe("rides.*", refused, durable="riders", max_deliver=1)
        await rides.publish("rides.ended", event(1))
        await paid.reach(1)
        await watched.reach(2)  # the event and its dead letter
        await rides.request("pricing.quote", event(2), timeout=2)
        await (await rig.bus("late")).subscribe("rides.*", paid, durable="late")
        await paid.reach(2)
        await rides.publish("docks.full", event("last"))
        await watched.reach(4)
        assert ["1", "riders:rides:1", "2", "last"] == watched.ids
        assert [] == [line for line in rig.log if "the meter is broken" not in line]

    run(scenario)


def test_events_of_one_publisher_arrive_in_order(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        seen = Seen()
        await billing.subscribe("rides.ended", seen)
        for number in range(50):
            await rides.publish("rides.ended", event(number))
        await seen.reach(50)
        assert [str(number) for number in range(50)] == seen.ids

    run(scenario)


def test_concurrent_publishers_lose_nothing_and_keep_their_own_order(run):
    async def scenario(rig: Rig) -> None:
        billing = await rig.bus("billing")
        await billing.stream("rides", "rides.>")
        seen = Seen()
        await billing.subscribe("rides.>", seen, durable="billing")

        async def publish(name: str) -> None:
            bus = await rig.bus(name)
            for number in range(10):
                await bus.publish(f"rides.{name}", event(f"{name}{number}"))

        await asyncio.gather(*(publish(name) for name in "abcd"))
        await seen.reach(40)
        for name in "abcd":
            mine = [one for one in seen.ids if one.startswith(name)]
            assert [f"{name}{number}" for number in range(10)] == mine

    run(scenario)


def test_members_of_a_queue_share_the_events(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        one, other, alone = Seen(), Seen(), Seen()
        await billing.subscribe("rides.ended", one, queue="billing")
        await billing.subscribe("rides.ended", other, queue="billing")
        await billing.subscribe("rides.ended", alone)
        for number in range(40):
            await rides.publish("rides.ended", event(number))
        await alone.reach(40)
        while len(one.events) + len(other.events) < 40:
            await asyncio.sleep(0.01)
        shared = sorted([*one.ids, *other.ids], key=int)
        assert [str(number) for number in range(40)] == shared
        assert min(len(one.events), len(other.events)) > 0

    run(scenario)


def test_a_stopped_subscription_takes_no_more(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        stopped, goes_on = Seen(), Seen()
        subscription = await billing.subscribe("rides.ended", stopped)
        await billing.subscribe("rides.ended", goes_on)
        await rides.publish("rides.ended", event(1))
        await stopped.reach(1)
        await subscription.stop()
        await rides.publish("rides.ended", event(2))
        await goes_on.reach(2)
        assert ["1"] == stopped.ids

    run(scenario)


def test_what_nobody_listens_to_is_gone_and_no_error(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.publish("rides.ended", event(1))
        await asyncio.sleep(0.1)  # the event's way to the broker
        seen = Seen()
        await billing.subscribe("rides.ended", seen)
        await rides.publish("rides.ended", event(2))
        await seen.reach(1)
        assert ["2"] == seen.ids

    run(scenario)


def test_a_raising_handler_is_logged_and_does_not_end_the_subscription(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        seen = Seen(failures=1)
        await billing.subscribe("rides.ended", seen)
        await rides.publish("rides.ended", event(1))
        await rides.publish("rides.ended", event(2))
        await seen.reach(2)
        assert ["1", "2"] == seen.ids
        [line] = rig.log
        assert "the meter is broken" in line
        assert "rides.ended RideEnded" in line

    run(scenario)


# --- durable subscriptions ---------------------------------------------------------


def test_a_durable_subscription_reads_its_stream_from_the_start(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        for number in range(5):
            await rides.publish("rides.ended", event(number))
        await rides.publish("rides.started", event("other"))
        seen = Seen()
        await billing.subscribe("rides.ended", seen, durable="billing")
        await rides.publish("rides.ended", event(5))
        await seen.reach(6)
        assert ["0", "1", "2", "3", "4", "5"] == seen.ids

    run(scenario)


def test_a_durable_place_is_kept_while_nobody_is_there(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        before = Seen()
        subscription = await billing.subscribe("rides.>", before, durable="billing")
        await rides.publish("rides.ended", event(1))
        await before.reach(1)
        await asyncio.sleep(0.1)  # the acknowledgment's way
        await subscription.stop()
        await rides.publish("rides.ended", event(2))
        after = Seen()
        await (await rig.bus("billing")).subscribe("rides.>", after, durable="billing")
        await rides.publish("rides.ended", event(3))
        await after.reach(2)
        assert ["1"] == before.ids
        assert ["2", "3"] == after.ids

    run(scenario)


def test_an_event_that_was_in_hand_at_a_crash_comes_again(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        began = asyncio.Event()

        async def never_ends(_: Event) -> None:
            began.set()
            await asyncio.Event().wait()

        await billing.subscribe("rides.>", never_ends, durable="b", ack_wait=SOON)
        await rides.publish("rides.ended", event(1))
        await rides.publish("rides.ended", event(2))
        await began.wait()
        await rig.crash(billing)
        seen = Seen()
        reborn = await rig.bus("billing")
        await reborn.subscribe("rides.>", seen, durable="b", ack_wait=SOON)
        await seen.reach(2)
        assert ["1", "2"] == sorted(seen.ids)

    run(scenario)


def test_a_crashed_bus_does_nothing_any_more(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rig.crash(rides)
        with pytest.raises((asyncio.CancelledError, BusError)):
            await rides.publish("rides.ended", event(1))

    run(scenario)


def test_a_refused_event_comes_again(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        seen = Seen(failures=2)
        await billing.subscribe("rides.>", seen, durable="billing")
        await rides.publish("rides.ended", event(1))
        await seen.reach(3)
        assert ["1", "1", "1"] == seen.ids
        assert 2 == len(rig.log)

    run(scenario)


def test_others_pass_a_refused_event_meanwhile(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        for number in (1, 2, 3):
            await rides.publish("rides.ended", event(number))
        seen = Seen(failures=1)
        await billing.subscribe("rides.>", seen, durable="billing")
        await seen.reach(4)
        assert ["1", "2", "3", "1"] == seen.ids

    run(scenario)


def test_after_the_last_delivery_comes_a_dead_letter(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        seen, dead = Seen(failures=9), Seen()
        await billing.subscribe("dead.billing", dead)
        await billing.subscribe("rides.>", seen, durable="billing", max_deliver=3)
        sent = event(1)
        await rides.publish("rides.ended", sent)
        await dead.reach(1)
        assert ["1", "1", "1"] == seen.ids
        [letter] = dead.events
        assert ("billing", "rides.ended", 3) == (
            letter.data["durable"],
            letter.data["subject"],
            letter.data["deliveries"],
        )
        assert "the meter is broken" in letter.data["reason"]
        original = Event.from_json(json.dumps(letter.data["event"]))
        assert sent.to_body() == _without_trace(original)

    run(scenario)


@pytest.mark.parametrize("character", ["x", "\x00", "😀"])
def test_a_long_reason_leaves_the_dead_letter_its_place(run_as_bytes, character):
    """With the largest event, and whatever the reason's characters need in JSON."""

    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        name, subject = "n" * 255, "rides." + "\\" * 1000
        await rides.stream(name, "rides.>")
        dead = Seen()

        async def fails(_: Event) -> None:
            raise ValueError(character * 2_000_000)

        await billing.subscribe("dead.>", dead)
        await billing.subscribe("rides.>", fails, durable=name, max_deliver=1)
        await rides.publish(subject, sized(1_024_000))
        await rides.publish(subject, event(2))
        await dead.reach(2)
        assert ["sized", "2"] == [letter.data["event"]["id"] for letter in dead.events]
        reasons = [letter.data["reason"] for letter in dead.events]
        assert all("ValueError" in one and len(one) <= 1200 for one in reasons)

    run_as_bytes(scenario)


@pytest.mark.parametrize("levels", [98, 100])
def test_a_deep_event_leaves_the_dead_letter_its_place(run, levels):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        seen, dead = Seen(failures=1), Seen()
        await billing.subscribe("dead.billing", dead)
        await billing.subscribe("rides.>", seen, durable="billing", max_deliver=1)
        deep: Any = 0
        for _ in range(levels):
            deep = [deep]
        await rides.publish("rides.ended", Event("deep", "/rides", "X", deep))
        await rides.publish("rides.ended", event(2))
        await asyncio.gather(seen.reach(2), dead.reach(1))
        assert deep == seen.events[0].data
        [letter] = dead.events
        if levels == 98:
            assert deep == letter.data["event"]["data"]
        else:
            assert {"stream": "rides", "sequence": 1} == letter.data["event"]

    run(scenario)


def test_dead_letters_are_kept_for_who_comes_later(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        seen, ok, dead = Seen(failures=2), Seen(), Seen()
        await billing.subscribe("rides.>", seen, durable="billing", max_deliver=1)
        await rides.publish("rides.ended", event(1))
        await rides.publish("rides.ended", event(2))
        await rides.publish("rides.ended", event(3))
        await seen.reach(3)
        await billing.subscribe("dead.>", dead, durable="undertaker")
        await dead.reach(2)
        dead_ids = [letter.data["event"]["id"] for letter in dead.events]
        assert ["1", "2"] == dead_ids
        assert 2 == len({letter.id for letter in dead.events})
        assert [] == ok.ids

    run(scenario)


def test_an_event_that_crashes_its_consumer_each_time_ends_as_a_dead_letter(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        dead, fine = Seen(), Seen()
        await rides.subscribe("dead.billing", dead)
        await rides.publish("rides.ended", event("poison"))
        for _ in range(2):
            billing = await rig.bus("billing")
            began = asyncio.Event()

            async def dies(_: Event, began: asyncio.Event = began) -> None:
                began.set()
                await asyncio.Event().wait()

            await billing.subscribe(
                "rides.>", dies, durable="billing", ack_wait=SOON, max_deliver=2
            )
            async with asyncio.timeout(10):
                await began.wait()
            await rig.crash(billing)
        billing = await rig.bus("billing")
        await billing.subscribe(
            "rides.>", fine, durable="billing", ack_wait=SOON, max_deliver=2
        )
        await rides.publish("rides.ended", event("fine"))
        await asyncio.gather(dead.reach(1), fine.reach(1))
        assert ["fine"] == fine.ids
        [letter] = dead.events
        assert ("poison", 2) == (letter.data["event"]["id"], letter.data["deliveries"])

    run(scenario)


def test_a_slow_handler_keeps_its_event_to_itself(run):
    """While the only subscriber is at work, its event is not thrown at it again."""

    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        seen = Seen()

        async def slow(event: Event) -> None:
            if event.id == "1":
                await asyncio.sleep(3 * SOON)
            await seen(event)

        await billing.subscribe("rides.>", slow, durable="billing", ack_wait=SOON)
        await rides.publish("rides.ended", event(1))
        await rides.publish("rides.ended", event(2))
        await seen.reach(2)
        await asyncio.sleep(2 * SOON)
        assert ["1", "2"] == seen.ids

    run(scenario)


def test_subscribers_of_one_durable_share_its_events(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        total = Seen()
        workers = []
        for name in ("billing-1", "billing-2"):
            mine = Seen()
            workers.append(mine)

            async def work(event: Event, mine: Seen = mine) -> None:
                await mine(event)
                await asyncio.sleep(0.01)
                await total(event)

            await (await rig.bus(name)).subscribe("rides.>", work, durable="billing")
        for number in range(10):
            await rides.publish("rides.ended", event(number))
        await total.reach(10)
        assert [str(number) for number in range(10)] == sorted(total.ids, key=int)
        assert min(len(mine.events) for mine in workers) > 0

    run(scenario)


def test_two_durables_each_get_everything(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        one, other = Seen(), Seen()
        await rides.subscribe("rides.>", one, durable="billing")
        await rides.subscribe("rides.ended", other, durable="riders")
        for number in range(3):
            await rides.publish("rides.ended", event(number))
        await asyncio.gather(one.reach(3), other.reach(3))
        assert one.ids == other.ids == ["0", "1", "2"]

    run(scenario)


# --- requests ------------------------------------------------------------------------


def test_a_request_gets_the_handlers_answer(run):
    async def scenario(rig: Rig) -> None:
        rides, pricing = await rig.bus("rides"), await rig.bus("pricing")

        async def quote(asked: Event) -> Event:
            return Event("q", "/pricing", "Quoted", {"for": asked.id, "cents": 250})

        await pricing.subscribe("pricing.quote", quote)
        answer = await rides.request("pricing.quote", event(1), timeout=2)
        assert {"for": "1", "cents": 250} == answer.data
        assert "Quoted" == answer.type

    run(scenario)


def test_a_request_that_nobody_takes_fails_at_once(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        began = asyncio.get_running_loop().time()
        with pytest.raises(NoResponders, match="nobody listens to pricing"):
            await rides.request("pricing.quote", event(1), timeout=60)
        assert asyncio.get_running_loop().time() - began < 5

    run(scenario)


@pytest.mark.parametrize("how", ["silent", "slow", "raises"])
def test_a_request_without_an_answer_times_out(run, how):
    async def scenario(rig: Rig) -> None:
        rides, pricing = await rig.bus("rides"), await rig.bus("pricing")

        async def quote(asked: Event) -> Event | None:
            if how == "raises":
                raise ValueError("no tariff")
            if how == "slow":
                await asyncio.sleep(30)
            return None

        await pricing.subscribe("pricing.quote", quote)
        with pytest.raises(BusTimeout, match=r"pricing.quote within 0.2 s"):
            await rides.request("pricing.quote", event(1), timeout=0.2)
        assert (how == "raises") == any("no tariff" in line for line in rig.log)

    run(scenario)


def test_one_member_of_a_queue_answers_a_request(run):
    async def scenario(rig: Rig) -> None:
        rides, pricing = await rig.bus("rides"), await rig.bus("pricing")
        asked: list[str] = []

        async def quote(event: Event) -> Event:
            asked.append(event.id)
            return event

        for _ in range(2):
            await pricing.subscribe("pricing.quote", quote, queue="pricing")
        for number in range(4):
            await rides.request("pricing.quote", event(number), timeout=2)
        assert ["0", "1", "2", "3"] == asked

    run(scenario)


# --- how large an event may be -------------------------------------------------------


def sized(size: int) -> Event:
    """Make an event that travels as so many bytes."""
    whole = Event("sized", "/rides", "RideEnded", "", traceparent="00-aa-bb-01")
    room = size - len(whole.to_json())
    return replace(whole, data="x" * room)


# Just above the bus' limit; where the headers decide; above the broker's own limit.
TOO_LARGE = [1_024_001, 1_048_500, 1_048_577]


@pytest.mark.parametrize("size", [1_023_999, 1_024_000])
def test_an_event_may_be_as_large_as_the_bus_says(run_as_bytes, size):
    async def scenario(rig: Rig) -> None:
        rides, pricing = await rig.bus("rides"), await rig.bus("pricing")
        kept, live = Seen(), Seen()
        await rides.stream("n" * 255, "rides.>")
        await pricing.subscribe("rides.ended", kept, durable="billing")
        await pricing.subscribe("docks.full", live)

        async def quote(asked: Event) -> Event:
            return asked

        await pricing.subscribe("pricing.quote", quote)
        await rides.publish("rides.ended", sized(size))
        await rides.publish("docks.full", sized(size))
        await asyncio.gather(kept.reach(1), live.reach(1))
        answer = await rides.request("pricing.quote", sized(size), timeout=5)
        assert sized(size) == kept.events[0] == live.events[0] == answer

    run_as_bytes(scenario)


def test_an_event_that_is_too_large_is_refused_where_it_enters(run_as_bytes):
    async def scenario(rig: Rig) -> None:
        rides, pricing = await rig.bus("rides"), await rig.bus("pricing")
        await rides.stream("rides", "rides.>")
        kept, live = Seen(), Seen()
        await pricing.subscribe("rides.ended", kept, durable="billing")
        await pricing.subscribe("docks.full", live)
        for size in TOO_LARGE:
            says = rf"has {size:,} bytes .* at most 1,024,000 .* Nothing was sent"
            for verb in (
                rides.publish("rides.ended", sized(size)),
                rides.publish("docks.full", sized(size)),
                rides.request("docks.full", sized(size), timeout=1),
            ):
                with pytest.raises(BusError, match=says):
                    await verb
        await rides.publish("rides.ended", event(1))
        await rides.publish("docks.full", event(2))
        await asyncio.gather(kept.reach(1), live.reach(1))
        assert (["1"], ["2"]) == (kept.ids, live.ids)

    run_as_bytes(scenario)


def test_an_answer_that_is_too_large_is_logged_by_the_one_who_gave_it(run_as_bytes):
    async def scenario(rig: Rig) -> None:
        rides, pricing = await rig.bus("rides"), await rig.bus("pricing")

        sizes = [str(size) for size in TOO_LARGE]

        async def quote(asked: Event) -> Event:
            return sized(int(asked.id)) if asked.id in sizes else asked

        await pricing.subscribe("pricing.quote", quote)
        asked = [
            asyncio.ensure_future(
                rides.request("pricing.quote", event(size), timeout=0.5)
            )
            for size in sizes
        ]
        assert "7" == (await rides.request("pricing.quote", event(7), timeout=5)).id
        for one in asked:
            with pytest.raises(BusTimeout):
                await one
        text = [f"has {size:,} bytes" in line for size in TOO_LARGE for line in rig.log]
        assert 3 == len(rig.log) == sum(text)

    run_as_bytes(scenario)


# --- what is refused -----------------------------------------------------------------


def test_a_name_is_as_long_as_the_broker_takes(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        with pytest.raises(SubjectError, match="at most 255 characters"):
            await rides.stream("n" * 256, "rides.>")
        await rides.stream("n" * 255, "rides.>")
        with pytest.raises(SubjectError, match="at most 255 characters"):
            await rides.subscribe("rides.>", Seen(), durable="n" * 256)

    run(scenario)


def test_a_request_on_a_kept_subject_is_refused(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        with pytest.raises(BusError, match="'rides' keeps rides"):
            await rides.request("rides.ended", event(1), timeout=1)

    run(scenario)


def test_a_durable_subscription_needs_a_stream(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rides.stream("ends", "rides.ended")
        with pytest.raises(BusError, match=r"no stream keeps rides\.>.*bus\.stream"):
            await rides.subscribe("rides.>", Seen(), durable="billing")

    run(scenario)


def test_a_durable_name_follows_one_subject(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        await rides.subscribe("rides.>", Seen(), durable="billing")
        with pytest.raises(
            BusError, match=r"'billing' follows rides\.>, not rides\.en"
        ):
            await rides.subscribe("rides.ended", Seen(), durable="billing")

    run(scenario)


def test_a_stream_may_be_declared_again_but_not_otherwise(run):
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>", "docks.*")
        await billing.stream("rides", "rides.>", "docks.*")
        with pytest.raises(
            BusError, match=r"'rides' keeps rides\.>, docks\.\* already"
        ):
            await billing.stream("rides", "rides.>")
        with pytest.raises(BusError, match=r"overlaps with rides\.ended"):
            await billing.stream("ends", "rides.ended")
        with pytest.raises(BusError, match="at least one subject"):
            await billing.stream("nothing")

    run(scenario)


@pytest.mark.parametrize("subject", [">", "*", "*.>", "*.*", "*.ended"])
def test_a_stream_begins_with_a_word_and_so_keeps_nothing_of_the_bus_itself(
    run, subject
):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        with pytest.raises(SubjectError, match=r"Begin with a word .*'rides\.>'"):
            await rides.stream("all", "docks.full", subject)

    run(scenario)


@pytest.mark.parametrize(
    "subject",
    [
        *("", "rides..ended", ".rides", "rides.", "a b", "rides.*", "é"),
        *("$JS.API", "_INBOX.x", "_movingparts.reports"),
    ],
)
def test_a_bad_subject_is_refused(run, subject):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        with pytest.raises(SubjectError):
            await rides.publish(subject, event(1))

    run(scenario)


@pytest.mark.parametrize(
    ("subject", "options"),
    [
        ("rides.>.ended", {}),
        ("rides.e*", {}),
        ("rides.>", {"queue": "not a name"}),
        ("rides.>", {"durable": "not.a.name"}),
        ("rides.>", {"durable": "d", "ack_wait": 0}),
        ("rides.>", {"durable": "d", "max_deliver": 0}),
    ],
)
def test_a_bad_subscription_is_refused(run, subject, options):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        with pytest.raises(BusError):
            await rides.subscribe(subject, Seen(), **options)

    run(scenario)


def test_what_is_no_event_is_refused_where_it_enters(run):
    async def scenario(rig: Rig) -> None:
        rides = await rig.bus("rides")
        seen = Seen()
        await rides.subscribe("rides.ended", seen)
        with pytest.raises(EventError, match="publish takes an Event, not dict"):
            await rides.publish("rides.ended", {"id": "1"})
        await rides.publish("rides.ended", event(2))
        await seen.reach(1)
        assert ["2"] == seen.ids

    run(scenario)
