"""What contexts share are files: the code keeps them, and so does every day."""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from movingparts.bus import Event
from movingparts.city import contracts
from movingparts.city.billing.acl import FREE
from movingparts.city.contexts import apis, facts, operations
from movingparts.city.larkhaven import CONTEXTS
from movingparts.city.rides.model import FALSE_START
from movingparts.core import Node
from movingparts.published_language import _reading, address, ensure_stream, named
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld
from tests.city.town import Town, live
from tools.dev.contracts import differing

JSON = dict[str, Any]
SCHEMAS = contracts.events()
READERS: list[tuple[str, str, Any]] = [
    (context, name, reader)
    for context in CONTEXTS
    if context != "riders"  # which subscribes to nobody
    for name, reader in getattr(
        import_module(f"movingparts.city.{context}.acl"), "READS", {}
    ).items()
]


def test_the_files_are_as_the_code_says() -> None:
    """If this fails, a contract has changed: run python -m tools.dev.contracts."""
    assert [] == differing()


# --- a busy morning ---------------------------------------------------------------


async def busy(town: Town) -> list[Event]:
    """Play all that any context has to publish; return what it published."""
    at = town.world.clock.now().isoformat()
    crowd = [f"S3-{n:02d}" for n in range(1, 9)]
    await town.good("PUT", "stations", "stations/S3", docks=crowd)
    for n in range(8):
        published = {"bike_id": f"C{n}", "station_id": "S3", "at": at}
        await town.good("POST", "stations", "reports", what="docked", **published)
    moved = {
        "bike_id": "C7",
        "station_id": "S1",
        "at": town.world.clock.now().isoformat(),
    }
    await town.good("POST", "stations", "reports", what="docked", **moved)
    await town.good("PUT", "riders", "riders/ben/passes/p1", kind="day")
    await town.pause(1)
    bike = await town.ride("r1", "ada")
    await town.pause(1)
    move = await town.good("POST", "fleet", "trucks/t1/moves")
    await town.good("PUT", "fleet", f"moves/{move['move_id']}/bikes", bikes=["C1"])
    await town.pause(30)
    await town.dock(bike, "S1")  # where it began, at once: odd
    await town.good("PUT", "billing", "accounts/ben/limit", amount="1.00")
    await town.reserve("v2", "ben")
    await town.start("r2", reservation="v2", rider_id="ben", bike_id="B2")
    history = {"bike_id": "H1", "station_id": "S2", "at": at}
    await town.good("POST", "rides", "rides/h1/report", **history)
    about = {**history, "at": town.world.clock.now().isoformat()}
    await town.good("POST", "stations", "reports", what="docked", **about)
    await town.good("PUT", "docklink", "hubs/S2/alarm", slot=1, jammed=True)
    await town.good("POST", "fleet", "bikes/B2/faults", what="a flat tire")
    await town.good("PUT", "riders", "riders/ben/standing", standing="suspended")
    await town.pause(700)
    return town.published


@pytest.fixture(scope="module")
def published() -> list[Event]:
    found: list[Event] = live(busy)
    return found


def contract(event: Event) -> str:
    return event.type.removeprefix("city.larkhaven.")


def test_in_a_busy_morning_every_event_is_published(
    published: list[Event],
) -> None:
    """Or the tests below would check less than they say."""
    assert set(SCHEMAS) == {contract(event) for event in published}


def test_every_event_is_as_its_schema_has_it(published: list[Event]) -> None:
    """And names it; each contract's own context publishes it, under its own source."""
    for event in published:
        name = contract(event)
        schema = SCHEMAS[name]
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(event.data)
        assert schema["$id"] == address(name) == event.dataschema
        assert f"/{name.partition('.')[0]}" == event.source


@pytest.mark.parametrize(("context", "name", "reader"), READERS)
def test_every_reader_reads_what_is_published(
    published: list[Event], context: str, name: str, reader: Any
) -> None:
    """Also with whatever the publisher may add one day: it lets that pass."""
    events = [event for event in published if contract(event) == name]
    assert events
    for event in events:
        assert read(reader, event.data) == read(reader, with_more(event.data))


def read(reader: Any, data: Any) -> Any:
    return _reading(reader)(data)


def with_more(data: Any) -> Any:
    """Return JSON with a property more in each of its objects."""
    if isinstance(data, dict):
        return {**{k: with_more(v) for k, v in data.items()}, "later": {"more": [1]}}
    return [with_more(each) for each in data] if isinstance(data, list) else data


@pytest.mark.parametrize(("context", "name", "reader"), READERS)
def test_no_reader_takes_a_time_without_a_zone(
    published: list[Event], context: str, name: str, reader: Any
) -> None:
    """Nor data that lack what it needs: those go to the dead letters, not into rows."""
    data = next(event.data for event in published if contract(event) == name)
    times = [key for key, value in data.items() if _is_time(value)]
    for key in times:
        naive = {**data, key: data[key].removesuffix("Z")}
        with pytest.raises(ValueError, match="timezone"):
            _refuse_unread(reader, naive, data, key)
    with pytest.raises(ValueError, match="validation error"):
        read(reader, {})


def _refuse_unread(reader: Any, naive: JSON, data: JSON, key: str) -> None:
    """Read what has a naive time; one that is never looked at cannot mislead."""
    found = read(reader, naive)
    later = {**data, key: "2031-05-05T23:59:59Z"}
    if read(reader, later) == found:
        raise ValueError("its timezone is nobody's affair: the reader ignores the time")


def _is_time(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def test_times_are_published_in_utc(published: list[Event]) -> None:
    for event in published:
        for key, value in event.data.items():
            if SCHEMAS[contract(event)]["properties"][key].get("format") == "date-time":
                assert UTC.utcoffset(None) == datetime.fromisoformat(value).utcoffset()


def test_what_is_read_is_what_is_published_and_never_ones_own() -> None:
    for context, name, _ in READERS:
        assert name in SCHEMAS
        assert not name.startswith(f"{context}.")


def test_every_contract_has_a_schema_under_its_name() -> None:
    output = {
        named(context, each)
        for context in CONTEXTS
        for each in import_module(f"movingparts.city.{context}.contract").EVENTS
    }
    assert output == set(SCHEMAS)


def test_rides_and_billing_mean_the_same_by_a_false_start() -> None:
    """They are partners: a phrase of the one decides what the other charges."""
    assert FALSE_START == FREE
    oddities = SCHEMAS["rides.ride-ended"]["properties"]["anomaly"]["enum"]
    assert FREE in oddities


# --- what no contract holds -------------------------------------------------------


def inside(schema: Any) -> Iterator[tuple[str, JSON]]:
    """Yield each property of a schema, however deep, with its own schema."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties.items()
        for each in schema.values():
            yield from inside(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from inside(each)


def test_no_event_says_who_somebody_is(published: list[Event]) -> None:
    """Names and addresses stay with riders: nobody else has a word for them."""
    personal = {"name", "email", "e_mail", "mail", "address", "phone"}
    for schema in SCHEMAS.values():
        assert not personal & {key for key, _ in inside(schema)}
    text = "".join(event.to_json().decode() for event in published)
    assert "@" not in text
    assert "Ada" not in text


def test_no_other_api_asks_for_a_name_or_an_address() -> None:
    for name, api in apis().items():
        found = {"name", "email"} & {key for key, _ in inside(api["components"])}
        assert ({"name", "email"} if name == "riders" else set()) == found


def test_money_is_text_in_every_contract() -> None:
    """No property of any is one of JSON's numbers with a fraction, which are floats."""
    amounts = 0
    for schema in [*SCHEMAS.values(), *apis().values()]:
        for key, property_ in inside(schema):
            assert "number" != property_.get("type"), key
            if key == "amount" and "pattern" in property_:
                assert "string" == property_["type"]
                amounts += 1
    assert amounts > 3


# --- expectations -----------------------------------------------------------------


async def publish(world: SimulatedWorld, name: str, **data: Any) -> None:
    """Publish an event, as its context would."""
    context = name.partition(".")[0]
    node = world.node(f"{context}-told")
    await ensure_stream(node, context)
    event = Event(name, f"/{context}", f"city.larkhaven.{name}", data)
    await node.bus.publish(name, event)


async def reserved(world: SimulatedWorld) -> None:
    at = world.clock.now().isoformat()
    await publish(
        world, "riders.standing-changed", rider_id="R00001", standing="good", at=at
    )
    place = {"bike_id": "B0001", "station_id": "S01", "dock_id": "S01-01"}
    await publish(world, "stations.bike-docked", **place, at=at)
    await world.clock.sleep(1)
    command = {"rider_id": "R00001", "station_id": "S01"}
    address = "http://availability/reservations/reservation-1"
    reply = await world.client("app").put(address, json=command)
    assert 200 == reply.status_code


async def collected(world: SimulatedWorld) -> None:
    await reserved(world)
    command = {"rider_id": "R00001", "station_id": "S01", "bike_id": "B0001"}
    address = "http://availability/reservations/reservation-1/collection"
    assert 200 == (await world.client("app").post(address, json=command)).status_code


async def with_credit(world: SimulatedWorld) -> None:
    """Answer nothing: every rider begins with credit."""


async def authorized(world: SimulatedWorld) -> None:
    address = "http://billing/authorizations/ride-1"
    reply = await world.client("app").put(address, json={"rider_id": "R00001"})
    assert 200 == reply.status_code


async def without_credit(world: SimulatedWorld) -> None:
    address = "http://billing/accounts/R00002/limit"
    reply = await world.client("app").put(address, json={"amount": "5.00"})
    assert 204 == reply.status_code


GIVEN: Mapping[str, Callable[[SimulatedWorld], Awaitable[None]]] = {
    "a rider with a reservation": reserved,
    "a reservation that was collected": collected,
    "a rider with credit": with_credit,
    "a ride that was authorized": authorized,
    "a rider without credit": without_credit,
}
EXPECTED = [
    (each["customer"], each["supplier"], expected)
    for each in contracts.expectations().values()
    for expected in each["expects"]
]
TYPES = {"string": str, "boolean": bool, "integer": int, "object": dict}


def missed(
    supplier: str, expected: JSON, change: Callable[[JSON], None] | None = None
) -> list[str]:
    """Run an expectation against its supplier's own service; return what is missed.

    `change` changes the supplier's answers on their way out.
    """

    def factory(node: Node) -> FastAPI:
        app = CONTEXTS[supplier](node)
        if change is not None:
            app.add_middleware(_Changed, change=change)
        return app

    async def scenario(world: SimulatedWorld) -> list[str]:
        await world.serve(supplier, CONTEXTS[supplier])
        await GIVEN[expected["given"]](world)
        await world.serve(supplier, factory)
        asked = expected["request"]
        path = asked["path"].format(**asked["in"])
        client = world.client(f"customer-of-{supplier}")
        reply = await client.request(
            asked["method"], f"http://{supplier}{path}", json=asked["body"]
        )
        wanted, body = expected["answer"], reply.json()
        wrong = [f"status {reply.status_code}"] * (
            reply.status_code != wanted["status"]
        )
        return wrong + [
            key
            for key, kind in wanted["has"].items()
            if not isinstance(body.get(key), TYPES[kind])
        ]

    found: list[str] = simulate(scenario, seed=7).result
    return found


class _Changed:
    """ASGI middleware: the same answers, each changed on its way out."""

    def __init__(self, app: Any, *, change: Callable[[JSON], None]) -> None:
        self._app, self._change = app, change

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start: JSON = {}

        async def changed(message: Any) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                body = json.loads(message["body"])
                self._change(body)
                content = json.dumps(body).encode()
                length = (b"content-length", str(len(content)).encode())
                others = [h for h in start["headers"] if h[0] != b"content-length"]
                await send({**start, "headers": [*others, length]})
                await send({**message, "body": content})
            else:
                await send(message)

        await self._app(scope, receive, changed)


@pytest.mark.slow
@pytest.mark.parametrize(("customer", "supplier", "expected"), EXPECTED)
def test_a_supplier_keeps_what_its_customer_relies_on(
    customer: str, supplier: str, expected: JSON
) -> None:
    """And a supplier that drops, renames or retypes what is relied on is caught."""
    assert [] == missed(supplier, expected)

    def dropped(key: str) -> Callable[[JSON], None]:
        return lambda body: body.pop(key, None)

    for key in expected["answer"]["has"]:
        assert [key] == missed(supplier, expected, dropped(key))
    [first, *_] = expected["answer"]["has"]
    assert [first] == missed(supplier, expected, lambda body: body.update({first: 7}))
    assert [] == missed(supplier, expected, lambda body: body.update(more=[7]))


@pytest.mark.parametrize(("customer", "supplier", "expected"), EXPECTED)
def test_an_expectation_is_of_an_operation_that_its_supplier_offers(
    customer: str, supplier: str, expected: JSON
) -> None:
    """And that its customer calls; what it expects of the answer, the API has."""
    asked = expected["request"]
    operation = f"{asked['method']} {asked['path']}"
    assert operation in operations(supplier)
    assert operation in facts(customer).calls[supplier]


def test_another_answer_than_the_expected_one_is_caught() -> None:
    """Of an expectation whose status is another, to see that it is compared."""
    _, supplier, expected = EXPECTED[0]
    other = copy.deepcopy(expected)
    other["answer"]["status"] = 201
    assert ["status 200"] == missed(supplier, other)
