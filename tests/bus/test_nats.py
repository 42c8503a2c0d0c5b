"""What only a real broker can do to a bus: die, come back, and carry rubbish."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from typing import Any

import nats
import pytest

from movingparts.bus import BusError, Event, EventError
from movingparts.bus.jetstream import processed
from movingparts.bus.nats import NatsBus, connect
from movingparts.core.node import Tasks
from movingparts.core.recording import Recorder
from tests.bus.rigs import (
    TOKEN,
    OnNats,
    Seen,
    address,
    event,
    nats_server,
    run_on_nats,
    start_server,
)

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_a_broker_that_is_not_there_is_said_so():
    async def main() -> None:
        with pytest.raises(BusError, match="no broker answers at nats://127"):
            await connect(f"nats://127.0.0.1:{free_port()}", token=TOKEN)

    asyncio.run(main())


def test_a_wrong_token_is_said_so(tmp_path):
    async def main() -> None:
        with (
            nats_server(tmp_path) as url,
            pytest.raises(BusError, match="is the token its own"),
        ):
            await connect(url, token="another")

    asyncio.run(main())


def test_rubbish_from_outside_is_refused_where_it_enters(tmp_path):
    async def scenario(rig: OnNats) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        live, durable, dead = Seen(), Seen(), Seen()
        await rides.subscribe("docks.*", live)
        await rides.subscribe("rides.*", durable, durable="billing")
        await rides.subscribe("dead.billing", dead)
        outside = await nats.connect(rig.url, token=TOKEN)
        for rubbish in (b"{", b'{"specversion":"1.0"}', b"\xff\xfe"):
            await outside.publish("docks.ended", rubbish)
            await outside.publish("rides.ended", rubbish)
        await outside.drain()
        await rides.publish("docks.ended", event(1))
        await rides.publish("rides.ended", event(2))
        await asyncio.gather(live.reach(1), durable.reach(1), dead.reach(3))
        assert (["1"], ["2"]) == (live.ids, durable.ids)
        assert 6 == len(rig.log)
        assert all("EventError" in line for line in rig.log)
        raw = [letter.data["event"] for letter in dead.events]
        assert [
            {"raw": "{"},
            {"raw": '{"specversion":"1.0"}'},
            {"raw_base64": "//4="},
        ] == raw
        assert "id is missing" in dead.events[1].data["reason"]

    run_on_nats(scenario, tmp_path)


def test_a_subject_that_no_event_may_have_costs_no_dead_letter(tmp_path):
    async def scenario(rig: OnNats) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        dead, seen = Seen(), Seen(failures=1)
        await rides.subscribe("dead.*", dead)
        outside = await nats.connect(rig.url, token=TOKEN)
        for data in (b"{", event(1).to_json()):
            await outside.jetstream().publish("rides.\x01", data)
        await outside.close()
        await rides.subscribe("rides.>", seen, durable="billing", max_deliver=1)
        await rides.publish("rides.ended", event(2))
        await asyncio.gather(dead.reach(2), seen.reach(2))
        assert ["1", "2"] == seen.ids
        assert [r"rides.\x01"] * 2 == [letter.subject for letter in dead.events]

    run_on_nats(scenario, tmp_path)


def test_an_answer_that_is_no_event_is_refused(tmp_path):
    async def scenario(rig: OnNats) -> None:
        rides = await rig.bus("rides")
        outside = await nats.connect(rig.url, token=TOKEN)

        async def answers(message: Any) -> None:
            await message.respond(b"42")

        await outside.subscribe("pricing.quote", cb=answers)
        await outside.flush()
        with pytest.raises(EventError, match="the answer on pricing"):
            await rides.request("pricing.quote", event(1), timeout=2)
        await outside.close()

    run_on_nats(scenario, tmp_path)


async def change_is_known(bus: NatsBus) -> None:
    """Wait until the broker's word is here that streams have changed."""
    async with asyncio.timeout(30):
        while bus._jetstream.known("rides.ended") is not None:
            await asyncio.sleep(0.001)


def test_a_stream_that_another_declares_later_is_noticed(tmp_path):
    async def scenario(rig: OnNats) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.publish("rides.ended", event(1))
        await processed(rides.connection)  # the broker has it before there is a stream
        noticed = Seen()
        await billing.stream("rides", "rides.>")
        await change_is_known(rides)
        answered = rides.connection.stats["in_msgs"]
        await rides.publish("rides.ended", event(2))
        assert rides.connection.stats["in_msgs"] > answered
        await billing.subscribe("rides.>", noticed, durable="billing")
        await noticed.reach(1)
        assert ["2"] == noticed.ids

    run_on_nats(scenario, tmp_path)


def test_a_stream_that_was_deleted_is_noticed(tmp_path):
    async def scenario(rig: OnNats) -> None:
        rides = await rig.bus("rides")
        await rides.stream("rides", "rides.>")
        await rides.publish("rides.ended", event(1))
        seen = Seen()
        await rides.subscribe("rides.ended", seen)
        await rides.connection.jetstream().delete_stream("rides")
        # Before that, `Seen` would get the event, and nobody would acknowledge it.
        await change_is_known(rides)
        await rides.publish("rides.ended", event(2))
        await seen.reach(1)
        assert ["2"] == seen.ids

    run_on_nats(scenario, tmp_path)


def test_a_broker_without_jetstream_carries_events_and_keeps_none(tmp_path):
    async def main(url: str) -> None:
        rig = OnNats(url)
        rides = await rig.bus("rides")
        seen = Seen()
        await rides.subscribe("rides.*", seen)
        await rides.publish("rides.ended", event(1))
        await seen.reach(1)
        for verb in (
            rides.stream("rides", "rides.>"),
            rides.subscribe("rides.*", seen, durable="billing"),
        ):
            with pytest.raises(BusError, match="no JetStream; start it with -js"):
                await verb
        await rig.close()

    with nats_server(tmp_path, jetstream=False) as url:
        asyncio.run(main(url))


def filled(character: str) -> bytes:
    """An event of another sender, exactly as large as the broker takes a message."""
    text = '{"specversion":"1.0","id":"%","source":"/x","type":"X","data":"%"}'
    [head, middle, tail] = text.encode().split(b"%")
    head += b"large" + middle
    room = 1_048_576 - len(head) - len(tail)
    data = character.encode() * (room // len(character.encode()))
    return head + data.ljust(room, b"x") + tail


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(filled("x"), id="no room for an envelope"),
        pytest.param(filled("é"), id="larger as we write it"),
        pytest.param(b"\xff" * 1_048_576, id="no text"),
        pytest.param(b"\x00" * 1_048_576, id="six bytes each in JSON"),
    ],
)
def test_a_dead_letter_too_large_for_its_event_says_where_the_event_is(tmp_path, data):
    async def scenario(rig: OnNats) -> None:
        rides, operator = await rig.bus("rides"), await rig.bus("operator")
        await rides.stream("rides", "rides.>")
        failures = 2 if data.startswith(b"{") else 1  # else no handler gets it
        dead, seen = Seen(), Seen(failures)
        await rides.publish("rides.ended", event(1))
        outside = await nats.connect(rig.url, token=TOKEN)
        await outside.jetstream().publish("rides.ended", data)
        await outside.close()
        await operator.subscribe("dead.billing", dead)
        await rides.subscribe(
            "rides.*", seen, durable="billing", ack_wait=0.5, max_deliver=1
        )
        await rides.publish("rides.ended", event(3))
        await dead.reach(2)
        letter = dead.events[1]
        where = {"stream": "rides", "sequence": 2}
        assert where == letter.data["event"]
        stream = operator.connection.jetstream()
        assert data == (await stream.get_msg("rides", 2)).data
        await seen.reach(failures + 1)
        assert [] == [line for line in rig.log if "dead letter" in line]
        await rides.close()
        place = await stream.consumer_info("rides", "billing")
        assert 0 == place.num_ack_pending

    run_on_nats(scenario, tmp_path)


def test_a_broker_that_dies_is_said_so_and_loses_nothing_it_acknowledged(
    tmp_path, capfd
):
    async def main() -> None:
        port = free_port()
        first = start_server(tmp_path, port)
        url = address(tmp_path, first)
        rig = OnNats(url)
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        seen, live = Seen(), Seen()
        await billing.subscribe("rides.>", seen, durable="billing", ack_wait=0.5)
        await billing.subscribe("rides.>", live)
        for number in range(20):
            await rides.publish("rides.ended", event(number))
        await seen.reach(3)
        first.send_signal(signal.SIGKILL)
        first.wait(5)
        while rides.connection.is_connected:
            await asyncio.sleep(0.001)
        with pytest.raises(BusError, match=r"broker has gone; nothing was sent"):
            await rides.publish("rides.ended", event("lost"))
        second = start_server(tmp_path, port)
        try:
            address(tmp_path, second)
            async with asyncio.timeout(10):
                while not (
                    rides.connection.is_connected and billing.connection.is_connected
                ):
                    await asyncio.sleep(0.02)
            await rides.publish("rides.ended", event("after"))
            while "after" not in seen.ids:
                await seen.reach(len(seen.events) + 1)
            known = {str(number) for number in range(20)} | {"after"}
            assert known <= set(seen.ids)
            assert "lost" not in seen.ids
        finally:
            await rig.close()
            second.terminate()
            second.wait(5)

    asyncio.run(main())
    assert ("", "") == capfd.readouterr()


def test_a_bus_that_is_closed_says_so_and_its_handler_finishes(tmp_path):
    async def scenario(rig: OnNats) -> None:
        rides, billing = await rig.bus("rides"), await rig.bus("billing")
        await rides.stream("rides", "rides.>")
        began, finished = asyncio.Event(), []

        async def slow(event: Event) -> None:
            began.set()
            await asyncio.sleep(0.2)
            finished.append(event.id)

        await billing.subscribe("rides.>", slow, durable="billing")
        await rides.publish("rides.ended", event(1))
        await began.wait()
        await billing.close()
        assert ["1"] == finished
        assert "cut off" in repr(billing)
        with pytest.raises(BusError, match="the bus of billing is closed"):
            await billing.publish("rides.ended", event(2))
        place = await rides.connection.jetstream().consumer_info("rides", "billing")
        assert 0 == place.num_ack_pending

    run_on_nats(scenario, tmp_path)


def test_the_recording_has_the_same_rows_as_a_simulated_one(tmp_path):
    recorder = Recorder("local", None, "")
    ticks = iter(range(1, 10_000))

    async def main(url: str) -> None:
        tasks = Tasks(lambda what, error: None)
        buses = [
            NatsBus(
                await connect(url, token=TOKEN),
                name,
                tasks,
                recorder=recorder,
                time_us=lambda: next(ticks),
            )
            for name in ("rides", "billing")
        ]
        rides, billing = buses
        await rides.stream("rides", "rides.>")
        seen = Seen(failures=1)
        await billing.subscribe("rides.>", seen, durable="billing", max_deliver=1)
        await rides.publish("rides.ended", event(1))
        await rides.publish("rides.ended", event(2))
        await seen.reach(2)
        for bus in buses:
            await bus.close()
        tasks.cancel()

    with nats_server(tmp_path) as url:
        asyncio.run(main(url))
    recording = recorder.recording(next(ticks))
    assert ["broker"] == [m.kind for m in recording.nodes if m.name == "bus"]
    rows = [(m.kind, m.source, m.target, m.label, m.fate) for m in recording.messages]
    for expected in (
        ("event", "rides", "bus", "RideEnded", "delivered"),
        ("ack", "bus", "rides", "RideEnded", "delivered"),
        ("event", "bus", "billing", "RideEnded", "delivered"),
        ("ack", "billing", "bus", "RideEnded refused", "delivered"),
        ("ack", "billing", "bus", "RideEnded", "delivered"),
    ):
        assert expected in rows
    acks = [m for m in recording.messages if m.kind == "ack"]
    assert all(m.answers is not None for m in acks)
    assert ["dead letter"] == [moment.kind for moment in recording.moments]
    producers = {s.span_id for s in recording.spans if s.kind == "producer"}
    consumers = [s for s in recording.spans if s.kind == "consumer"]
    assert {s.parent_id for s in consumers} <= producers
    assert ["error", "ok"] == [s.outcome for s in consumers]
    json.loads(recording.to_json())
