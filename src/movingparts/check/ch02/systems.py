"""Systems of contexts, their readers, and what a changed contract does to them.

Larkhaven is one of them, with its own borders and with events that its services told.
The others are invented, each by a seed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import TypeAdapter

from movingparts.bus import Event
from movingparts.check.meter import new_run, untraced
from movingparts.city.contexts import facts
from movingparts.city.day import first_day, live_day, sleep_until
from movingparts.city.larkhaven import CONTEXTS, open_city, serve_city
from movingparts.city.synthetic import larkhaven
from movingparts.context_map import Context
from movingparts.published import keep
from movingparts.world.core import Node
from movingparts.world.core.random import Random, stream

Data = dict[str, Any]
Key = tuple[str, str]  # a context's name, and a contract's
Kind = Literal["renamed", "removed", "added", "retyped", "withdrawn"]
SAMPLES = 12  # events of each contract
TYPE = "city.larkhaven."


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to happen to a contract of an event.

    A `field` is `renamed` to `to`, `removed`, `added`, or `retyped` (a list now); or
    the event is `withdrawn`, and nobody tells it any more.

    >>> Change("stations.bike-docked", "removed", "dock_id")
    `dock_id` of stations.bike-docked is gone
    """

    contract: str
    kind: Kind
    field: str = ""
    to: str = ""

    def __repr__(self) -> str:
        says = {
            "renamed": f"`{self.field}` of {self.contract} is called `{self.to}` now",
            "removed": f"`{self.field}` of {self.contract} is gone",
            "added": f"{self.contract} has a new field, `{self.field}`",
            "retyped": f"`{self.field}` of {self.contract} is a list now",
            "withdrawn": f"{self.contract} is no longer told",
        }
        return says[self.kind]

    def made(self, data: Data) -> Data | None:
        """Return what is told instead of an event's data; None for nothing."""
        if self.kind == "withdrawn":
            return None
        if self.kind == "added":
            return {**data, self.field: "new"}
        if self.kind == "removed":
            return {name: value for name, value in data.items() if name != self.field}
        if self.kind == "renamed":
            names = {self.field: self.to}
            return {names.get(name, name): value for name, value in data.items()}
        return {n: [v] if n == self.field else v for n, v in data.items()}


Reader = Callable[[Data], Any]


@dataclass(frozen=True, slots=True)
class System:
    """Contexts, what reads each contract in each of them, and events that were told."""

    name: str
    contexts: tuple[Context, ...]
    readers: Mapping[Key, Reader]
    samples: Mapping[str, tuple[Data, ...]]
    readings: Mapping[Key, tuple[str, ...]]

    def publisher(self, contract: str) -> str:
        """Return who tells a contract."""
        return next(c.name for c in self.contexts if contract in c.publishes)

    def readers_of(self, contract: str) -> list[str]:
        """Return who reads a contract, other than who tells it."""
        teller = self.publisher(contract)
        return [n for n, read in self.readers if read == contract and n != teller]

    def fails(self, name: str, change: Change) -> bool:
        """Say whether a reader fails after a change, or reads something else."""
        reader = self.readers[name, change.contract]
        return any(
            not reads_alike(reader, data, change.made(data))
            for data in self.samples[change.contract]
        )

    def must_change(self, change: Change) -> frozenset[str]:
        """Return whose code must change, besides that of who makes the change."""
        readers = self.readers_of(change.contract)
        return frozenset(name for name in readers if self.fails(name, change))


def reads_alike(reader: Reader, before: Data, after: Data | None) -> bool:
    """Say whether a reader takes the same from an event as before."""
    if after is None:
        return False
    try:
        return bool(reader(deepcopy(after)) == reader(deepcopy(before)))
    except (ValueError, TypeError, LookupError):
        return False


def read_by(reader: Reader, samples: tuple[Data, ...]) -> tuple[str, ...]:
    """Return the fields that a reader needs, found by leaving each out."""
    fields = dict.fromkeys(name for data in samples for name in data)
    return tuple(
        field
        for field in fields
        if any(
            not reads_alike(reader, data, Change("", "removed", field).made(data))
            for data in samples
        )
    )


def _system(
    name: str,
    contexts: tuple[Context, ...],
    readers: dict[Key, Reader],
    samples: dict[str, tuple[Data, ...]],
) -> System:
    readings = {
        key: read_by(reader, samples[key[1]]) for key, reader in readers.items()
    }
    fixed = (MappingProxyType(each) for each in (readers, samples, readings))
    return System(name, contexts, *fixed)


# --- Larkhaven --------------------------------------------------------------------


@lru_cache(maxsize=1)
def the_city() -> System:
    """Return Larkhaven: its contexts, its borders, and events of an hour of its day."""
    new_run()  # the hour has its own time on the alarm
    with untraced():
        told = _an_hour()
        contexts = tuple(facts(name) for name in CONTEXTS)
        readers: dict[Key, Reader] = {}
        for context in contexts:
            if context.reads:
                border = import_module(f"{context.package}.acl")
                for contract, reader in getattr(border, "READS", {}).items():
                    if contract in told:
                        readers[context.name, contract] = _callable(reader)
        return _system("Larkhaven", contexts, readers, told)


def _callable(reader: Any) -> Reader:
    """Return a reader as a function; a class of a model takes the data as it is."""
    if isinstance(reader, type):
        read: Reader = TypeAdapter(reader).validate_python
        return read
    return reader  # type: ignore[no-any-return]  # READS has functions and classes


def _an_hour() -> dict[str, tuple[Data, ...]]:
    """Return what Larkhaven tells within an hour, by contract."""
    from movingparts.world.simulated import simulate

    heard: list[tuple[str, Data]] = []
    city = larkhaven(7, stations=3, bikes=24, riders=20, rides=90)

    async def scenario(world: Any) -> None:
        await serve_city(world)
        await world.serve("you", _listener(heard))
        await open_city(world, city, poor=9)
        operator = world.client("operator")
        hub = city.stations[0].station_id
        for jammed in (True, False):
            alarm = {"slot": 1, "jammed": jammed}
            await operator.put(f"http://docklink/hubs/{hub}/alarm", json=alarm)
        await sleep_until(world, first_day(), 8, city)
        await live_day(world, city, first_day(), hours=(8, 9), trucks=1)

    simulate(scenario, seed=7)
    told: dict[str, list[Data]] = {}
    for name, data in heard:
        told.setdefault(name, []).append(data)
    return {name: tuple(told[name][-SAMPLES:]) for name in sorted(told)}


def _listener(heard: list[tuple[str, Data]]) -> Any:
    def you(node: Node) -> FastAPI:
        async def hear(event: Event) -> None:
            heard.append((event.type.removeprefix(TYPE), event.data))

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            for context in CONTEXTS:
                await keep(node, context)
                await node.bus.subscribe(f"{context}.*", hear, durable=f"you-{context}")
            yield

        return FastAPI(title="you", lifespan=lifespan)

    return you


# --- invented systems -------------------------------------------------------------

DOMAINS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "a delivery service": {
            "kitchen": ("dish-finished", "dish-spoiled"),
            "orders": ("order-placed", "order-cancelled"),
            "couriers": ("courier-assigned", "meal-brought"),
            "menus": ("dish-offered",),
            "till": ("bill-paid",),
            "ratings": ("orders.meal-rated",),  # as it was when orders told it
        },
        "a charging network": {
            "chargers": ("plug-inserted", "plug-jammed"),
            "sessions": ("session-begun", "session-ended"),
            "drivers": ("driver-blocked",),
            "grid": ("load-shed",),
            "tariffs": ("price-changed",),
            "roaming": ("sessions.partner-billed",),
        },
    }
)
FIELDS: Mapping[str, Any] = MappingProxyType(
    {
        "at": "2031-05-05T08:00:00Z",
        "place_id": "P7",
        "who": "W12",
        "amount": "12.40",
        "reason": "none was given",
        "number": 3,
        "state": "good",
    }
)


@lru_cache(maxsize=16)
def invented(seed: int) -> System:
    """Return a system that nobody has seen, the same for the same seed."""
    draw = stream(seed, "system")
    domain = sorted(DOMAINS)[seed % len(DOMAINS)]
    names = list(DOMAINS[domain])
    tellers = {
        event if "." in event else f"{name}.{event}": name
        for name, events in DOMAINS[domain].items()
        for event in events
    }
    samples: dict[str, tuple[Data, ...]] = {}
    for contract in tellers:
        fields = draw.sample(sorted(FIELDS), 4)
        samples[contract] = ({f: FIELDS[f] for f in fields},)
    readers, reads = _readers(draw, tellers, samples)
    contexts = tuple(
        Context(
            name,
            package=f"firm.{name}",
            publishes=tuple(c for c, teller in tellers.items() if teller == name),
            offers=(f"GET /{name}",),
            reads=reads[name],
            calls=_calls(draw, name, names),
        )
        for name in names
    )
    return _system(domain, contexts, readers, samples)


def _readers(
    draw: Random, tellers: Mapping[str, str], samples: Mapping[str, tuple[Data, ...]]
) -> tuple[dict[Key, Reader], dict[str, dict[str, str]]]:
    """Let each context read some contracts, each with fields of its own choice."""
    readers: dict[Key, Reader] = {}
    reads: dict[str, dict[str, str]] = {name: {} for name in tellers.values()}
    for name, own_reads in reads.items():
        for contract, (data,) in samples.items():
            own = tellers[contract] == name
            if draw.random() > (0.15 if own else 0.4):
                continue
            fields = draw.sample(sorted(data), draw.randrange(4))  # none: it counts
            what = contract.partition(".")[2].replace("-", "_")
            form = f"model.{what.title()}" if draw.random() < 0.3 else f"acl.{what}"
            readers[name, contract] = _reader(fields)
            own_reads[contract] = f"firm.{name}.{form}"
    return readers, reads


def _reader(fields: list[str]) -> Reader:
    """Return a reader of some fields, which lets pass what it does not know."""

    def read(data: Data) -> tuple[Any, ...]:
        for field in fields:
            if type(data[field]) is not type(FIELDS[field]):
                raise TypeError(f"{field} is {data[field]!r}")
        return tuple(data[field] for field in fields)

    return read


def _calls(draw: Random, name: str, names: list[str]) -> dict[str, tuple[str, ...]]:
    others = [other for other in names if other != name]
    called = draw.sample(others, draw.randrange(3))
    return {other: (f"GET /{other}",) for other in called}
