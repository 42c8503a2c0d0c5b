"""A contract changes: what that does to real readers in Larkhaven, and in another firm.

Nobody keeps a list of who must change. Each reader gets an event before and after the
change, and the two readings are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib import import_module
from typing import Any, Literal

from fastapi import FastAPI, HTTPException
from pydantic import TypeAdapter

from movingparts.city import contracts
from movingparts.city.contexts import facts
from movingparts.city.larkhaven import CONTEXTS
from movingparts.core import Node
from movingparts.strategy.context_map import Context

Data = dict[str, Any]
Reader = Callable[[Data], Any]
Key = tuple[str, str]  # a context's name and a contract
SAYS = {
    "removed": "`{0.field}` of {0.contract} is removed",
    "added": "{0.contract} gets a new field, `{0.field}`",
    "withdrawn": "{0.contract} is no longer published",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to happen to the contract of an event.

    A `field` is `removed` or `added`, or the event is `withdrawn`: it is no longer
    published.

    >>> Change("stations.bike-docked", "removed", "dock_id")
    `dock_id` of stations.bike-docked is removed
    """

    contract: str
    kind: Literal["removed", "added", "withdrawn"]
    field: str = ""

    def __repr__(self) -> str:
        return SAYS[self.kind].format(self)

    def applied(self, data: Data) -> Data | None:
        """Return an event's data after the change; None if nothing is published."""
        if self.kind == "withdrawn":
            return None
        if self.kind == "added":
            return {**data, self.field: "new"}
        return {name: value for name, value in data.items() if name != self.field}


@dataclass(frozen=True)
class System:
    """Contexts, what reads each contract in each of them, and an event of each."""

    name: str
    contexts: list[Context]
    readers: Mapping[Key, Reader]
    samples: Mapping[str, Data]

    @cached_property
    def readings(self) -> dict[Key, tuple[str, ...]]:
        """The fields that each reader needs, found by leaving each out."""
        return {
            (name, contract): tuple(
                field
                for field in self.samples[contract]
                if self.breaks(name, Change(contract, "removed", field))
            )
            for name, contract in self.readers
        }

    def breaks(self, name: str, change: Change) -> bool:
        """Return whether a reader fails after a change, or reads something else."""
        read, data = self.readers[name, change.contract], self.samples[change.contract]
        after = change.applied(data)
        try:
            return after is None or bool(read(after) != read(data))
        except (ValueError, TypeError, LookupError):
            return True

    def publisher(self, contract: str) -> str:
        """Return the context that publishes a contract."""
        return next(c.name for c in self.contexts if contract in c.publishes)

    def readers_of(self, contract: str) -> frozenset[str]:
        """Return the contexts that read a contract, without its publisher."""
        names = {name for name, read in self.readers if read == contract}
        return frozenset(names - {self.publisher(contract)})

    def must_change(self, change: Change) -> frozenset[str]:
        """Return the contexts whose code must change, without the publisher."""
        readers = self.readers_of(change.contract)
        return frozenset(name for name in readers if self.breaks(name, change))

    def changes(self) -> list[Change]:
        """Return the changes of each contract, of each field if anyone reads it."""
        found = []
        for contract, data in self.samples.items():
            read = self.readers_of(contract)
            fields = data if read else list(data)[:1]
            found += [Change(contract, "removed", field) for field in fields]
            found.append(Change(contract, "added", "weather"))
            found.append(Change(contract, "withdrawn"))
        return found


@cache
def systems() -> tuple[System, ...]:
    """Return the two systems whose contracts change."""
    return larkhaven(), delivery()


def larkhaven() -> System:
    """Return the city: its contexts and borders, and an event made from each schema."""
    samples = {name: _example(schema) for name, schema in contracts.events().items()}
    readers: dict[Key, Reader] = {}
    contexts = []
    for context in map(facts, CONTEXTS):
        own = {name: at for name, at in context.reads.items() if name in samples}
        contexts.append(replace(context, reads=own))  # without the vendor's messages
        for contract in own:
            reader = import_module(f"{context.package}.acl").READS[contract]
            is_model = isinstance(reader, type)
            read = TypeAdapter(reader).validate_python if is_model else reader
            readers[context.name, contract] = read
    return System("Larkhaven", contexts, readers, samples)


def _example(schema: Mapping[str, Any]) -> Any:
    """Return a value that a contract's schema allows."""
    if "properties" in schema:
        return {name: _example(each) for name, each in schema["properties"].items()}
    if "anyOf" in schema:
        return _example(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2031-05-05T08:00:00Z"
    kind = schema.get("type", "object")  # the object is an amount of money
    return {"string": "B0212", "integer": 6, "boolean": True, "array": []}.get(kind, {})


PUBLISHED = """
kitchen   kitchen.dish-cooked       order_id dish_id at
kitchen   kitchen.order-cancelled   order_id reason at
orders    orders.order-placed       order_id dish_id amount at
orders    orders.order-cancelled    order_id reason amount
couriers  couriers.meal-delivered   order_id courier at
menus     menus.dish-offered        dish_id amount
billing   billing.bill-paid         order_id amount at
ratings   orders.meal-rated         order_id stars
"""  # ratings took meal-rated over from orders
READ = """
kitchen   acl.read    orders.order-placed      order_id dish_id
kitchen   acl.read    orders.order-cancelled   order_id
kitchen   model.Fact  orders.meal-rated        stars
orders    acl.read    kitchen.dish-cooked      order_id
orders    acl.read    kitchen.order-cancelled  order_id reason
orders    acl.read    menus.dish-offered       dish_id
orders    acl.read    orders.order-placed      order_id
orders    acl.read    orders.meal-rated        order_id stars
couriers  model.Fact  kitchen.dish-cooked      order_id at
couriers  acl.read    kitchen.order-cancelled  order_id
billing   model.Fact  orders.order-placed      order_id amount
billing   acl.read    orders.order-cancelled   order_id amount
billing   acl.read    couriers.meal-delivered  order_id
billing   acl.read    billing.bill-paid        order_id
ratings   acl.read    couriers.meal-delivered
ratings   acl.read    billing.bill-paid        order_id
"""  # ratings counts meals, so it needs no field


def delivery() -> System:
    """Return a delivery service that no one has seen before."""
    published, read = _rows(PUBLISHED), _rows(READ)
    contexts = [
        Context(
            name,
            package=f"delivery.{name}",
            publishes=tuple(row[1] for row in published if row[0] == name),
            reads={
                row[2]: f"delivery.{name}.{row[1]}" for row in read if row[0] == name
            },
        )
        for name in dict.fromkeys(row[0] for row in published)
    ]
    return System(
        "a delivery service",
        contexts,
        {(name, contract): partial(_read, f) for name, _, contract, *f in read},
        {contract: {f: f.upper() for f in fs} for _, contract, *fs in published},
    )


def _rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def _read(fields: Collection[str], data: Data) -> tuple[Any, ...]:
    return tuple(data[field] for field in fields)


# --- a change as a run ------------------------------------------------------------


def published_to_readers(system: System, change: Change) -> Callable[[Any], Any]:
    """Return a scenario: the changed event goes to each reader, which reads it or not.

    An event that is no longer published can't arrive: each reader is asked for it.
    """
    data = change.applied(system.samples[change.contract])

    async def scenario(world: Any) -> None:
        for name in sorted(system.readers_of(change.contract)):
            await world.serve(name, _reading(system, name, change))
            sender = "you" if data is None else system.publisher(change.contract)
            method = "GET" if data is None else "POST"
            address = f"http://{name}/{change.contract}"
            await world.client(sender).request(method, address, json=data)

    return scenario


def _reading(system: System, name: str, change: Change) -> Any:
    """Return the factory of a context that reads one contract."""

    def factory(node: Node) -> FastAPI:
        app = FastAPI(title=node.name)

        @app.post(f"/{change.contract}", status_code=202)
        async def receive() -> None:
            if system.breaks(name, change):
                raise HTTPException(422, "this can't be read as before")

        @app.get(f"/{change.contract}")
        async def latest() -> None:
            raise HTTPException(404, "no such event has arrived")

        return app

    return factory
