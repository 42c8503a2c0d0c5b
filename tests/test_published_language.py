"""A published language: published after saving, read in the subscriber's words."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from movingparts.bus import BusError, BusTimeout, Event
from movingparts.core import Node
from movingparts.core.node import Tasks
from movingparts.published_language import (
    Instant,
    Publisher,
    address,
    announcing,
    ensure_stream,
    listen,
    named,
    on_the_bus,
    schema,
)
from movingparts.repository import MemoryRows, RecordedEvent
from movingparts.unit_of_work import RowStore
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

AT = datetime(2031, 5, 5, 8, 0, tzinfo=UTC)


class BikeDocked(BaseModel):
    """A bike is in a dock."""

    bike_id: str
    at: Instant
    note: str = ""


class RideEnded(BaseModel):
    """A ride is over."""

    ride_id: str


@dataclass(frozen=True)
class Passed:
    """An event in the words of a subscriber that uses it unchanged."""

    ride_id: str


def to_message(event: Any) -> BaseModel | None:
    return event if isinstance(event, BaseModel) else None


def docked(number: int = 1, bike: str = "B7") -> RecordedEvent:
    return RecordedEvent("Station", "S1", number, BikeDocked(bike_id=bike, at=AT))


# --- names and schemas ------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("BikeDocked", "bike-docked"),
        ("Docked", "docked"),
        ("RideEndedAtLast", "ride-ended-at-last"),
        ("Gbfs3Told", "gbfs3-told"),
    ],
)
def test_a_contract_is_named_after_its_context_and_its_class(
    output: str, name: str
) -> None:
    kind = type(output, (BaseModel,), {})
    assert f"stations.{name}" == named("stations", kind)
    assert f"urn:larkhaven:contract:stations.{name}:1" == address(
        named("stations", kind)
    )


def test_a_schema_promises_what_is_required_and_lets_more_pass() -> None:
    found = schema("stations", BikeDocked)
    Draft202012Validator.check_schema(found)
    assert address("stations.bike-docked") == found["$id"]
    # What a publisher always says is promised, a default among it.
    assert {"bike_id", "at"} <= set(found["required"])
    validator = Draft202012Validator(found)
    output = {"bike_id": "B7", "at": "2031-05-05T08:00:00Z", "note": ""}
    assert validator.is_valid({**output, "later": 1})
    assert not validator.is_valid({"bike_id": "B7"})


def test_a_time_in_an_event_is_in_utc_and_has_a_zone() -> None:
    read = TypeAdapter(Instant).validate_python
    assert "2031-05-05T08:00:00+00:00" == read("2031-05-05T10:00:00+02:00").isoformat()
    for naive in ("2031-05-05T10:00:00", datetime.min):  # noqa: DTZ901  # without a zone
        with pytest.raises(ValidationError):
            read(naive)


# --- publishing -------------------------------------------------------------------


class Broker:
    """A bus whose word about an event comes, or does not."""

    def __init__(self, silent: int = 0, gone: int = 0) -> None:
        self.silent, self.gone = silent, gone
        self.published: list[tuple[str, Event]] = []

    async def publish(self, subject: str, event: Event) -> None:
        if self.gone:
            self.gone -= 1
            raise BusError("the broker is gone; nothing was sent")
        self.published.append((subject, event))
        if self.silent:
            self.silent -= 1
            raise BusTimeout("no word")


def published(broker: Broker, *recorded: RecordedEvent) -> list[tuple[str, Event]]:
    """Return what a publisher of stations sends to a broker."""

    async def main() -> None:
        await publish(made(node(broker)), *recorded)

    asyncio.run(main())
    return broker.published


def node(broker: Broker) -> Any:
    return SimpleNamespace(
        name="stations",
        bus=broker,
        clock=SimpleNamespace(now=lambda: AT, sleep=lambda _: asyncio.sleep(0)),
        tasks=Tasks(lambda what, error: None),
    )


def made(node: Any) -> Publisher:
    """Return a publisher whose outbox is in memory."""
    return Publisher(node, to_message, sqlite3.connect(":memory:"))


async def publish(publisher: Publisher, *recorded: RecordedEvent) -> None:
    publisher.save(recorded)
    await publisher(recorded)


def test_an_event_says_what_where_and_when() -> None:
    [(subject, event)] = published(Broker(), docked(3))
    assert "stations.bike-docked" == subject
    expected = Event(
        id="Station/S1/3",
        source="/stations",
        type="city.larkhaven.stations.bike-docked",
        subject="S1",
        time=AT,
        dataschema="urn:larkhaven:contract:stations.bike-docked:1",
        data={"bike_id": "B7", "at": "2031-05-05T08:00:00Z", "note": ""},
    )
    assert expected == event


def test_events_are_published_in_order_and_private_ones_are_not() -> None:
    secret = RecordedEvent("Station", "S1", 2, "an event that is told to nobody")
    found = published(Broker(), docked(1), secret, docked(3))
    assert ["Station/S1/1", "Station/S1/3"] == [event.id for _, event in found]


@pytest.mark.parametrize("silent", [1, 7])
def test_an_unconfirmed_event_is_published_again_under_its_id(
    silent: int,
) -> None:
    """So a subscriber that gets it twice can see that it is the same."""
    found = published(Broker(silent), docked(1), docked(2))
    ids = [event.id for _, event in found]
    assert ["Station/S1/1"] * (silent + 1) + ["Station/S1/2"] == ids
    assert 1 == len({event.to_json() for _, event in found[: silent + 1]})


def test_what_waits_while_the_broker_is_gone_is_published_when_it_is_back() -> None:
    """A real broker that is gone is no timeout: the bus says so at once."""
    found = published(Broker(gone=3), docked(1), docked(2))
    assert ["Station/S1/1", "Station/S1/2"] == [event.id for _, event in found]


def test_what_no_broker_takes_is_not_saved_either() -> None:
    """It would block all that is saved after it."""
    publisher = made(node(Broker()))
    with pytest.raises(BusError, match="Nothing was sent"):
        publisher.save([docked(1, "B" * 2_000_000)])
    assert "<Publisher of stations: 0 waiting>" == repr(publisher)


def test_a_context_without_a_database_has_no_place_for_an_outbox() -> None:
    with pytest.raises(AttributeError, match="db"):
        announcing(node(Broker()), to_message, RowStore(MemoryRows()))


# --- subscribing ------------------------------------------------------------------


def received(
    reads: Mapping[str, Any],
    *recorded: RecordedEvent,
    world_is: Any = None,
    fails: int = 0,
    wait: float = 60,
) -> tuple[list[Any], Any]:
    """Return what rides receives of what stations publishes, and the recording."""
    seen: list[Any] = []

    async def handle(event: Any) -> None:
        nonlocal fails
        if fails:
            fails -= 1
            raise RuntimeError("not now")
        seen.append(event)

    async def scenario(world: SimulatedWorld) -> Any:
        publisher = made(world.node("stations"))
        await publisher.open()
        subscriptions = await listen(world.node("rides"), reads, handle)
        if world_is is not None:
            world_is(world)
        await publish(publisher, *recorded)
        await world.clock.sleep(wait)
        return [subscription.subject for subscription in subscriptions]

    recording = simulate(scenario, seed=7)
    return seen, recording


def ended(number: int) -> RecordedEvent:
    return RecordedEvent("Ride", "r1", number, RideEnded(ride_id=f"r{number}"))


def test_a_reader_is_a_translation_or_a_class_that_takes_it_as_it_is() -> None:
    reads = {
        "stations.bike-docked": lambda data: ("here is", data["bike_id"]),
        "stations.ride-ended": Passed,
    }
    seen, _ = received(reads, docked(1), ended(2))
    assert [("here is", "B7"), Passed("r2")] == seen


def test_a_contract_that_is_not_read_is_let_pass() -> None:
    """Of a stream that is read for others, and of one that only this would need."""
    seen, recording = received(
        {"stations.ride-ended": Passed, "stations.other": str}, docked(1), ended(2)
    )
    assert [Passed("r2")] == seen
    assert ["stations.*"] == recording.result


def test_who_reads_one_contract_alone_subscribes_to_it_alone() -> None:
    """And is sent nothing else."""
    seen, recording = received({"stations.ride-ended": Passed}, docked(1), ended(2))
    assert (["stations.ride-ended"], [Passed("r2")]) == (recording.result, seen)
    sent = [m for m in recording.messages if m.target == "rides" and m.kind == "event"]
    assert ["city.larkhaven.stations.ride-ended"] == [m.label for m in sent]


def test_each_context_is_subscribed_to_once_in_the_order_of_reading() -> None:
    reads = {"fleet.b": str, "stations.a": str, "fleet.a": str, "billing.x": str}
    _, recording = received(reads)
    assert ["fleet.*", "stations.a", "billing.x"] == recording.result


def test_what_raises_comes_again_and_is_handled_in_the_end() -> None:
    seen, recording = received({"stations.ride-ended": Passed}, ended(1), fails=2)
    assert [Passed("r1")] == seen
    assert not [m for m in recording.moments if m.kind == "dead letter"]


@pytest.mark.parametrize(
    ("reader", "why"),
    [(int, "validation error"), (lambda data: data["no"], "KeyError")],
)
def test_what_cannot_be_read_ends_among_the_dead_letters(reader: Any, why: str) -> None:
    """With the reason; what comes after it is handled all the same."""

    def readable(data: Any) -> Any:
        return "fine" if data["ride_id"] == "r2" else _read(reader, data)

    seen, recording = received(
        {"stations.ride-ended": readable}, ended(1), ended(2), wait=120
    )
    assert ["fine"] == seen
    [letter] = [m for m in recording.moments if m.kind == "dead letter"]
    assert letter.text.startswith("city.larkhaven.stations.ride-ended: ")
    assert why in letter.text


def _read(reader: Any, data: Any) -> Any:
    if isinstance(reader, type):
        return TypeAdapter(reader).validate_python(data)
    return reader(data)


def test_a_lost_word_of_the_broker_makes_one_event_two_deliveries() -> None:
    """Both with one id: the subscriber can tell, if it has to."""

    def lossy(world: SimulatedWorld) -> None:
        world.network.lose("bus", "stations", kind="ack")

    seen, recording = received(
        {"stations.bike-docked": lambda data: data["bike_id"]},
        docked(1),
        world_is=lossy,
    )
    assert ["B7", "B7"] == seen
    assert 2 == sum(m.kind == "event" and m.target == "bus" for m in recording.messages)


def test_late_subscribers_receive_all_from_the_beginning() -> None:
    """And those that come again go on where they were."""
    seen: list[str] = []

    async def handle(bike: str) -> None:
        seen.append(bike)

    async def scenario(world: SimulatedWorld) -> None:
        publisher = made(world.node("stations"))
        await publisher.open()
        await publish(publisher, docked(1, "B1"))
        reads = {"stations.bike-docked": lambda data: data["bike_id"]}
        [subscription] = await listen(world.node("rides"), reads, handle)
        await world.clock.sleep(1)
        await subscription.stop()
        await publish(publisher, docked(2, "B2"))
        await listen(world.node("rides"), reads, handle)
        await world.clock.sleep(1)

    simulate(scenario, seed=7)
    assert ["B1", "B2"] == seen


def test_the_first_one_makes_the_stream() -> None:
    """A subscriber may be there before the context that it subscribes to."""

    async def scenario(world: SimulatedWorld) -> list[str]:
        for who in ("rides", "stations", "rides"):
            await ensure_stream(world.node(who), "stations")
        return list(world._fabric.broker.router.streams)

    assert ["STATIONS"] == simulate(scenario, seed=7).result


# --- a service on the bus ---------------------------------------------------------


@pytest.mark.parametrize("subscribes", [True, False])
def test_a_service_publishes_and_subscribes_while_it_lives(subscribes: bool) -> None:
    seen: list[Any] = []

    async def handle(event: Any) -> None:
        seen.append(event)

    def factory(node: Node) -> FastAPI:
        reads = {"stations.ride-ended": Passed}
        publisher = made(node)
        more = (reads, handle) if subscribes else ()
        return FastAPI(lifespan=on_the_bus(node, publisher, *more))

    async def scenario(world: SimulatedWorld) -> Any:
        service = await world.serve("rides", factory)
        publisher = made(world.node("stations"))
        await publisher.open()
        await publish(publisher, ended(1))
        await world.clock.sleep(1)
        await service.stop()
        await publish(publisher, ended(2))
        await world.clock.sleep(1)
        return list(world._fabric.broker.router.streams)

    streams = simulate(scenario, seed=7).result
    assert ([Passed("r1")] if subscribes else []) == seen
    assert {"RIDES", "STATIONS"} <= set(streams)
