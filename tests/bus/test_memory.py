"""The memory bus on a faulty network: what is lost, what is doubled, what is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from movingparts.bus import BusTimeout, Event
from movingparts.bus.memory import MemoryBroker
from movingparts.core.clock import VirtualClock, VirtualLoop
from movingparts.core.network import Network
from movingparts.core.node import current_span
from movingparts.core.random import Uniform
from movingparts.core.recording import Recorder, Recording
from tests.bus.rigs import Bare, Rig, Seen, event


class Faulty(Bare):
    network: Network


def play(scenario: Callable[[Faulty], Awaitable[None]], seed: int = 7) -> Recording:
    loop = VirtualLoop()
    recorder = Recorder("simulated", seed, "")
    network = Network(seed, VirtualClock(loop), recorder)

    async def main() -> None:
        rig = Faulty(network)
        await scenario(rig)
        for node in rig.nodes:
            node.bus.disconnect()
            node.tasks.cancel()
        await asyncio.sleep(0)

    try:
        loop.run_until_complete(main())
        return recorder.recording(loop.time_us())
    finally:
        loop.close()


async def kept(rig: Faulty) -> tuple[Any, Any, Seen]:
    """A publisher, a durable subscriber, and what it sees."""
    rides, billing = await rig.bus("rides"), await rig.bus("billing")
    await rides.stream("rides", "rides.>")
    seen = Seen()
    await billing.subscribe("rides.>", seen, durable="billing", ack_wait=1)
    return rides, billing, seen


def test_a_lost_acknowledgment_brings_the_event_again():
    async def scenario(rig: Faulty) -> None:
        rides, _, seen = await kept(rig)
        rig.network.lose("billing", "bus", kind="ack")
        await rides.publish("rides.ended", event(1))
        await seen.reach(2)
        await asyncio.sleep(10)
        assert ["1", "1"] == seen.ids

    fates = [m.fate for m in play(scenario).messages if m.source == "billing"]
    assert ["lost", "delivered"] == fates


def test_a_lost_delivery_comes_again_and_keeps_the_order():
    async def scenario(rig: Faulty) -> None:
        rides, _, seen = await kept(rig)
        rig.network.lose("bus", "billing")
        await rides.publish("rides.ended", event(1))
        await rides.publish("rides.ended", event(2))
        await seen.reach(2)
        assert ["1", "2"] == seen.ids

    play(scenario)


def test_without_the_streams_word_a_publisher_cannot_know():
    async def scenario(rig: Faulty) -> None:
        rides, _, seen = await kept(rig)
        rig.network.lose("bus", "rides", kind="ack")
        with pytest.raises(BusTimeout, match="it may have the event"):
            await rides.publish("rides.ended", event(1))
        rig.network.lose("rides", "bus", kind="event")
        with pytest.raises(BusTimeout, match="it may have the event"):
            await rides.publish("rides.ended", event(2))
        assert ["1"] == seen.ids

    play(scenario)


def test_an_acknowledgment_after_the_publisher_gave_up_is_late():
    async def scenario(rig: Faulty) -> None:
        rides, _, _ = await kept(rig)
        rig.network.link("bus", "rides", latency=6.0)
        with pytest.raises(BusTimeout):
            await rides.publish("rides.ended", event(1))
        await asyncio.sleep(5)

    assert ["late"] == [m.fate for m in play(scenario).messages if m.target == "rides"]


def test_a_doubled_delivery_is_handled_twice():
    async def scenario(rig: Faulty) -> None:
        rides, _, seen = await kept(rig)
        rig.network.duplicate("bus", "billing")
        await rides.publish("rides.ended", event(1))
        await seen.reach(2)
        await asyncio.sleep(10)
        assert ["1", "1"] == seen.ids

    play(scenario)


def test_a_partition_keeps_kept_events_and_loses_the_others():
    async def scenario(rig: Faulty) -> None:
        rides, billing, seen = await kept(rig)
        live = Seen()
        await billing.subscribe("rides.ended", live)
        rig.network.partition("billing", "bus")
        await rides.publish("rides.ended", event(1))
        await asyncio.sleep(1.5)
        rig.network.heal()
        await seen.reach(1)
        assert ["1"] == seen.ids
        assert [] == live.ids

    play(scenario)


def test_a_request_waits_until_its_timeout_if_the_answer_is_lost():
    async def scenario(rig: Faulty) -> None:
        rides, pricing = await rig.bus("rides"), await rig.bus("pricing")
        asked = []

        async def quote(event: Event) -> Event:
            asked.append(event.id)
            return event

        await pricing.subscribe("pricing.quote", quote)
        rig.network.lose("bus", "rides", kind="reply")
        with pytest.raises(BusTimeout, match="may have been handled"):
            await rides.request("pricing.quote", event(1), timeout=1)
        assert ["1"] == asked

    play(scenario)


def test_spans_and_messages_share_one_trace():
    async def scenario(rig: Faulty) -> None:
        rides, billing, _ = await kept(rig)
        inner = []

        async def handler(event: Event) -> None:
            inner.append(current_span.get())
            await billing.publish(
                "fares.charged", Event("f", "/billing", "FareCharged")
            )

        await billing.subscribe("rides.ended", handler)
        await rides.publish("rides.ended", event(1))
        await asyncio.sleep(1)
        assert ["consumer"] == [span.kind for span in inner]
        assert current_span.get() is None

    recording = play(scenario)
    spans = {span.name + "@" + span.node: span for span in recording.spans}
    root = spans["publish rides.ended@rides"]
    assert "" == root.parent_id
    assert {root.trace_id} == {span.trace_id for span in recording.spans}
    assert {root.trace_id} == {message.trace_id for message in recording.messages}
    consumers = [span for span in recording.spans if span.kind == "consumer"]
    assert {root.span_id} == {span.parent_id for span in consumers}
    charged = spans["publish fares.charged@billing"]
    assert charged.parent_id in {span.span_id for span in consumers}
    assert {"ok"} == {span.outcome for span in recording.spans}


def test_the_recording_tells_the_whole_way():
    async def scenario(rig: Faulty) -> None:
        rides, _, seen = await kept(rig)
        await rides.publish("rides.ended", event(1))
        await seen.reach(1)
        await asyncio.sleep(1)

    way = [
        (m.kind, m.source, m.target, m.sent_us, m.arrived_us, m.fate, m.answers)
        for m in play(scenario).messages
    ]
    assert [
        ("event", "rides", "bus", 0, 1000, "delivered", None),
        ("ack", "bus", "rides", 1000, 2000, "delivered", 0),
        ("event", "bus", "billing", 1000, 2000, "delivered", None),
        ("ack", "billing", "bus", 2000, 3000, "delivered", 2),
    ] == way


def test_a_dead_letter_is_a_moment_of_the_recording():
    async def scenario(rig: Faulty) -> None:
        rides, _, seen = await kept(rig)
        seen.failures = 99
        await rides.publish("rides.ended", event(1))
        await asyncio.sleep(60)
        assert 5 == len(seen.events)

    [moment] = play(scenario).moments
    assert ("dead letter", ("bus",)) == (moment.kind, moment.nodes)
    assert "the meter is broken" in moment.text


def test_a_dead_letter_that_cannot_be_handled_is_not_wrapped_again():
    async def scenario(rig: Faulty) -> None:
        rides, billing, seen = await kept(rig)
        seen.failures = 99
        dead = Seen(failures=99)
        await billing.subscribe("dead.>", dead, durable="undertaker", max_deliver=2)
        await rides.publish("rides.ended", event(1))
        await asyncio.sleep(600)
        assert 2 == len(dead.events)

    play(scenario)


def test_handlers_do_not_share_what_they_get():
    async def scenario(rig: Faulty) -> None:
        rides, billing, seen = await kept(rig)

        async def spoils(event: Event) -> None:
            event.data["ride"] = "spoiled"

        await billing.subscribe("rides.ended", spoils)
        sent = event(1)
        await rides.publish("rides.ended", sent)
        await seen.reach(1)
        assert {"ride": 1} == seen.events[0].data == sent.data

    play(scenario)


def test_stopping_gives_back_what_was_not_begun():
    async def scenario(rig: Rig) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        seen = Seen()
        subscription = await billing.subscribe("rides.>", seen, durable="billing")
        await rides.publish("rides.ended", event(1))
        await subscription.stop()
        assert "stopped" in repr(subscription)
        await billing.subscribe("rides.>", seen, durable="billing")
        await seen.reach(1)
        assert ["1"] == seen.ids

    loop = VirtualLoop()
    loop.run_until_complete(scenario(Bare()))
    loop.close()


def test_a_bus_of_a_past_life_raises_what_ends_a_task():
    async def scenario(rig: Faulty) -> None:
        rides, _, _ = await kept(rig)
        rig.network.partition("rides", "bus")
        waits = asyncio.ensure_future(rides.publish("rides.ended", event(1)))
        await asyncio.sleep(0.1)
        await rig.crash(rides)
        with pytest.raises(asyncio.CancelledError):
            await waits
        for verb in (
            rides.publish("rides.ended", event(2)),
            rides.subscribe("rides.ended", Seen()),
            rides.request("pricing.quote", event(3), timeout=1),
            rides.stream("more", "more.>"),
        ):
            with pytest.raises(asyncio.CancelledError, match="this life of rides"):
                await verb

    play(scenario)


def test_everything_says_in_a_line_what_it_is():
    async def scenario(rig: Faulty) -> None:
        rides, billing, _ = await kept(rig)
        broker: MemoryBroker = rig.broker
        subscription = next(iter(billing.subscriptions))
        place = broker.router.streams["rides"].durables["billing"]
        assert [
            "<MemoryBroker bus: 0 subscriptions, 2 streams>",
            "<MemoryBus rides connected: 0 subscriptions>",
            "<Subscription of billing to rides.> as billing>",
            "<Durable billing of rides: at 0 of 0, 0 not acknowledged>",
        ] == [repr(broker), repr(rides), repr(subscription), repr(place)]

    play(scenario)


def test_the_same_seed_gives_the_same_bytes():
    async def scenario(rig: Faulty) -> None:
        rig.network.everywhere(
            latency=Uniform(0.001, 0.02), loss=0.2, duplicate=0.2, reorder=0.2
        )
        rides, billing, _ = await kept(rig)
        for _ in range(3):
            await billing.subscribe("rides.ended", Seen(failures=2), queue="q")
        for number in range(20):
            try:
                await rides.publish("rides.ended", event(number))
            except BusTimeout:
                continue
        await asyncio.sleep(100)

    assert play(scenario).to_json() == play(scenario).to_json()
    assert play(scenario).to_json() != play(scenario, seed=8).to_json()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    loss=st.floats(0, 0.5),
    duplicate=st.floats(0, 0.5),
    reorder=st.floats(0, 0.5),
    crashes=st.lists(st.floats(0, 20), max_size=3),
)
def test_every_event_is_handled_at_least_once_or_ends_as_a_dead_letter(
    seed, loss, duplicate, reorder, crashes
):
    """Whatever the network does, and whenever the consumer crashes.

    The publisher repeats what it is not sure of, as the error tells it to.
    """

    async def scenario(rig: Faulty) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        seen = Seen()
        options = {"durable": "billing", "ack_wait": 1, "max_deliver": 100}
        billing = await rig.bus("billing")
        await billing.subscribe("rides.>", seen, **options)
        rig.network.everywhere(
            latency=Uniform(0.001, 0.05),
            loss=loss,
            duplicate=duplicate,
            reorder=reorder,
        )

        async def publish() -> None:
            for number in range(8):
                for _ in range(200):
                    try:
                        await rides.publish("rides.ended", event(number))
                        break
                    except BusTimeout:
                        continue

        publishing = asyncio.ensure_future(publish())
        for pause in crashes:
            await asyncio.sleep(pause)
            await rig.crash(billing)
            billing = await rig.bus("billing")
            await billing.subscribe("rides.>", seen, **options)
        await publishing
        await asyncio.sleep(1000)
        assert {str(number) for number in range(8)} == set(seen.ids)

    play(scenario, seed)
