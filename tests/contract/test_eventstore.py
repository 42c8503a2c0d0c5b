"""What every event store promises, wherever it keeps its log."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from movingparts.eventstore import (
    ANY,
    NO_STREAM,
    ConcurrencyConflict,
    EventStore,
    NewEvent,
    StoredEvent,
)
from tests.bus.rigs import nats_server
from tests.contract.eventstores import PLACES, Open, Place, forever

Run = Callable[[Callable[[Open], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nats_server(tmp_path_factory.mktemp("broker")) as url:
        yield url


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.slow if name == "jetstream" else ())
        for name in PLACES
    ]
)
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param](request)


@pytest.fixture
def run(place: Place) -> Run:
    def run(scenario: Callable[[Open], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            async with asyncio.timeout(30), place() as another:
                await scenario(another)

        asyncio.run(main())

    return run


def event(name: str, kind: str = "RideStarted", **data: Any) -> NewEvent:
    return NewEvent(name, kind, data)


def events(*names: str) -> list[NewEvent]:
    return [event(name) for name in names]


def ids(found: Sequence[StoredEvent]) -> list[str]:
    return [each.id for each in found]


async def take(subscription: AsyncIterator[StoredEvent], number: int) -> list[str]:
    return [(await anext(subscription)).id for _ in range(number)]


# --- append --------------------------------------------------------------------------


def test_what_is_appended_is_read_in_its_order(run: Run) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        first = await store.append("ride-1", events("a"), expected_version=NO_STREAM)
        last = await store.append("ride-1", events("b", "c"), expected_version=1)
        found = await (await another()).read("ride-1")
        assert ["a", "b", "c"] == ids(found)
        assert [1, 2, 3] == [each.version for each in found]
        assert {"ride-1"} == {each.stream for each in found}
        assert (first, last) == (found[0].position, found[-1].position)

    run(scenario)


@pytest.mark.parametrize("expected", [NO_STREAM, 1, 3])
def test_a_stale_append_says_both_versions_and_writes_nothing(
    run: Run, expected: int
) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        await store.append("ride-1", events("a", "b"), expected_version=NO_STREAM)
        with pytest.raises(ConcurrencyConflict, match=r"^ride-1 is at ver") as conflict:
            await store.append("ride-1", events("x", "y"), expected_version=expected)
        assert ("ride-1", expected, 2) == (
            conflict.value.stream,
            conflict.value.expected,
            conflict.value.actual,
        )
        assert ["a", "b"] == ids(await store.read_all())

    run(scenario)


@pytest.mark.parametrize("known", [True, False], ids=["number", "any"])
@pytest.mark.parametrize(
    ("at", "names"),
    [(0, "a"), (1, "bc")],
)
def test_the_same_events_again_change_nothing(
    run: Run, known: bool, at: int, names: str
) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        await store.append("ride-1", events("a", "b"), expected_version=0)
        await store.append("ride-1", events("c"), expected_version=2)
        await store.append("ride-2", events("d"), expected_version=0)
        again = await (await another()).append(
            "ride-1", events(*names), expected_version=at if known else ANY
        )
        found = await store.read("ride-1")
        assert ["a", "b", "c"] == ids(found)
        assert again == found[at + len(names) - 1].position

    run(scenario)


@pytest.mark.parametrize("known", [True, False], ids=["number", "any"])
@pytest.mark.parametrize(("at", "names"), [(0, "xb"), (0, "ba"), (1, "bx")])
def test_only_some_of_the_same_events_are_a_conflict(
    run: Run, known: bool, at: int, names: str
) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        await store.append("ride-1", events("a", "b"), expected_version=0)
        expected = at if known else ANY
        with pytest.raises(ConcurrencyConflict) as conflict:
            await store.append("ride-1", events(*names), expected_version=expected)
        assert (expected, 2) == (conflict.value.expected, conflict.value.actual)
        assert ["a", "b"] == ids(await store.read_all())

    run(scenario)


@pytest.mark.parametrize(
    ("appended", "expected", "says"),
    [
        ([], 0, "nothing to append"),
        ([], ANY, "nothing to append"),
        (events("a"), -2, "NO_STREAM or ANY, got -2"),
        ([event("a", fare=math.nan)], 0, "not JSON compliant"),
        ([event("a"), event("b", fare=math.inf)], ANY, "not JSON compliant"),
        ([event("a", note="\ud83d")], 0, "surrogates not allowed"),
        ([event("a"), event("\ud83d")], 0, "surrogates not allowed"),
    ],
)
def test_what_cannot_be_appended_is_refused_and_nothing_is_written(
    run: Run, appended: list[NewEvent], expected: int, says: str
) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        with pytest.raises(ValueError, match=says):
            await store.append("ride-1", appended, expected_version=expected)
        with pytest.raises(TypeError, match="not JSON serializable"):
            await store.append("r", [event("a", at={1, 2})], expected_version=0)
        assert [] == await store.read_all()
        await store.append("ride-1", events("b"), expected_version=0)
        assert ["b"] == ids(await store.read_all())

    run(scenario)


def test_data_comes_back_as_json_has_it(run: Run) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        route = [1, 2]
        data = {
            "at": ("S1", ("S2", None)),
            "rider": 'Ада 👩‍🚀 "\\\x00\n',
            "fare": 2.5,
            "large": 2**70,
            "flags": [True, {}, []],
            "route": route,
        }
        for version, each in enumerate([data, "text", 7, None, []]):
            sent = [NewEvent(f"e{version}", "Ще «тип»", each)]
            await store.append("ride-1", sent, expected_version=version)
        route.append(3)
        two = [NewEvent("x", "T", data), NewEvent("y", "T", "é")]
        await store.append("ride-1", two, expected_version=5)
        found = [each.data for each in await (await another()).read("ride-1")]
        as_json = {**data, "at": ["S1", ["S2", None]], "route": [1, 2]}
        longer = {**as_json, "route": [1, 2, 3]}
        assert [as_json, "text", 7, None, [], longer, "é"] == found
        found[0]["route"].append(4)
        assert as_json == (await store.read("ride-1"))[0].data
        assert "Ще «тип»" == (await store.read_all())[0].type

    run(scenario)


NAMES = [
    "ride-1",
    "ride.1",
    "ride 1",
    "Ї/东京",
    "*",
    ">",
    "%2E",
    "a.b.>",
    "a\tb\n",
    "~",
]


def test_a_stream_has_any_name(run: Run) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        for name in NAMES:
            await store.append(name, events(name), expected_version=0)
        for name in NAMES:
            assert [name] == ids(await (await another()).read(name))
        assert NAMES == [each.stream for each in await store.read_all()]
        assert sorted(NAMES) == await store.streams()

    run(scenario)


def test_streams_are_found_by_how_they_begin(run: Run) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        assert [] == await store.streams()
        for name in ("ride-2", "bike_1", "ride-10", "Ride-1", "bike%1", "ride-1"):
            await store.append(name, events(name), expected_version=0)
        assert ["ride-1", "ride-10", "ride-2"] == await store.streams("ride-")
        assert ["bike_1"] == await store.streams("bike_")
        assert ["bike%1"] == await store.streams("bike%")
        everything = ["Ride-1", "bike%1", "bike_1", "ride-1", "ride-10", "ride-2"]
        assert everything == await store.streams()

    run(scenario)


# --- several at once -----------------------------------------------------------------


def test_of_fifty_that_have_read_the_same_one_wins(run: Run) -> None:
    async def scenario(another: Open) -> None:
        stores = [await another() for _ in range(5)]
        await stores[0].append("ride-1", events("a"), expected_version=0)
        became = await asyncio.gather(
            *(
                stores[number % 5].append(
                    "ride-1", events(f"{number}", "x"), expected_version=1
                )
                for number in range(50)
            ),
            return_exceptions=True,
        )
        won = [n for n, each in enumerate(became) if isinstance(each, int)]
        lost = [each for each in became if isinstance(each, ConcurrencyConflict)]
        assert (1, 49) == (len(won), len(lost))
        assert {(1, 3)} == {(each.expected, each.actual) for each in lost}
        assert ["a", f"{won[0]}", "x"] == ids(await stores[0].read("ride-1"))

    run(scenario)


def test_readers_and_subscribers_see_every_event_once_and_in_order(run: Run) -> None:
    async def scenario(another: Open) -> None:
        stores, reader, last = [await another() for _ in range(4)], await another(), 0
        seen: list[StoredEvent] = []

        async def write(number: int) -> None:
            for turn in range(15):
                pair = events(f"{number}.{turn}", f"{number}.{turn}'")
                stream = f"ride-{number % 2}"
                await stores[number].append(stream, pair, expected_version=ANY)
                await asyncio.sleep(0)

        writers = asyncio.gather(*map(write, range(4)))
        async with aclosing(forever(await another())) as subscription:
            followed = asyncio.ensure_future(take(subscription, 4 * 15 * 2))
            while len(seen) < 4 * 15 * 2:
                found = await reader.read_all(from_position=last, limit=7)
                seen += found
                last = found[-1].position if found else last
                await asyncio.sleep(0)
            assert ids(seen) == await followed
        await writers
        assert seen == await reader.read_all()
        positions = [each.position for each in seen]
        assert positions == sorted(set(positions))
        for stream in await reader.streams():
            mine = [each for each in seen if each.stream == stream]
            assert [*range(1, 61)] == [each.version for each in mine]
            assert mine == await reader.read(stream)

    run(scenario)


@pytest.mark.parametrize(
    ("types", "names"), [(None, ["b", "c", "d"]), (["RideEnded"], ["d"])]
)
def test_a_subscriber_that_has_read_all_waits_for_more(
    run: Run, types: list[str] | None, names: list[str]
) -> None:
    async def scenario(another: Open) -> None:
        store = await another()
        await store.append("ride-1", events("a", "b"), expected_version=0)
        [first, _] = await store.read_all()
        start = {"from_position": first.position, "types": types}
        async with aclosing(forever(await another(), **start)) as subscription:
            assert names[:-2] == await take(subscription, len(names[:-2]))
            waiting = asyncio.ensure_future(take(subscription, len(names[-2:])))
            await asyncio.sleep(0)
            assert not waiting.done()
            sent = [event("c"), event("d", "RideEnded")]
            await store.append("ride-2", sent, expected_version=ANY)
            assert names[-2:] == await waiting

    run(scenario)


# --- against a model -----------------------------------------------------------------

STREAMS = st.sampled_from(["ride-1", "ride-2", "bike.1"])
POOL = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True)
NUMBERS = st.integers(-1, 6)
LIMITS = st.none() | st.integers(0, 6)
KINDS = st.none() | st.sets(st.sampled_from("ABC"))


class Model(RuleBasedStateMachine):
    """The log as a list of (stream, version, id, type), and a store beside it."""

    place: Place
    dense: bool

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, int, str, str]] = []
        self.runner = asyncio.Runner()
        self.opened = self.place()
        self.another = self.runner.run(self.opened.__aenter__())
        self.store: EventStore = self.runner.run(self.another())
        self.subscription, self.heard = forever(self.store), 0

    def teardown(self) -> None:
        self.runner.run(self.subscription.aclose())
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.close()

    def await_(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @rule(stream=STREAMS, names=POOL, expected=st.integers(ANY, 6))
    def append(self, stream: str, names: list[str], expected: int) -> None:
        there = [each[2] for each in self.log if each[0] == stream]
        first = expected
        if expected == ANY:
            sent = [n for n, each in enumerate(there) if each in names]
            first = sent[0] if sent else len(there)
        work = self.store.append(
            stream,
            [event(name, name.upper()) for name in names],
            expected_version=expected,
        )
        end = first + len(names)
        if first != len(there) and there[first:end] != names:
            with pytest.raises(ConcurrencyConflict) as conflict:
                self.await_(work)
            assert len(there) == conflict.value.actual
            return
        position = self.await_(work)
        if first == len(there):
            self.log += [
                (stream, first + n, name, name.upper())
                for n, name in enumerate(names, start=1)
            ]
        found = self.await_(self.store.read(stream))
        assert position == found[end - 1].position

    @rule(stream=STREAMS, version=NUMBERS)
    def read(self, stream: str, version: int) -> None:
        mine = [each for each in self.log if each[0] == stream]
        found = self.await_(self.store.read(stream, from_version=version))
        assert mine[max(version, 0) :] == [shape(each) for each in found]

    @rule(share=st.floats(0, 1), kinds=KINDS, limit=LIMITS)
    def read_from(
        self, share: float, kinds: set[str] | None, limit: int | None
    ) -> None:
        after = round(share * len(self.log))
        there = self.await_(self.store.read_all())
        found = self.await_(
            self.store.read_all(
                from_position=there[after - 1].position if after else -1,
                types=kinds,
                limit=limit,
            )
        )
        chosen = [
            each for each in self.log[after:] if kinds is None or each[3] in kinds
        ]
        assert chosen[:limit] == [shape(each) for each in found]

    @precondition(lambda self: self.heard < len(self.log))
    @rule(most=st.integers(1, 6))
    def follow(self, most: int) -> None:
        news = self.log[self.heard :][:most]
        for each in news:
            assert each == shape(self.await_(anext(self.subscription)))
        self.heard += len(news)

    @rule()
    def open_another(self) -> None:
        self.store = self.await_(self.another())

    @invariant()
    def holds_the_log(self) -> None:
        found = self.await_(self.store.read_all())
        assert self.log == [shape(each) for each in found]
        positions = [each.position for each in found]
        assert positions == sorted(set(positions))
        if self.dense:
            assert positions == [*range(1, len(self.log) + 1)]
        assert sorted({each[0] for each in self.log}) == self.await_(
            self.store.streams()
        )


def shape(found: StoredEvent) -> tuple[str, int, str, str]:
    return (found.stream, found.version, found.id, found.type)


@pytest.mark.slow
def test_a_store_is_what_a_list_is(place: Place, request: Any) -> None:
    on_broker = "jetstream" in request.node.name
    kind = type(
        "Machine", (Model,), {"place": staticmethod(place), "dense": not on_broker}
    )
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=10 if on_broker else 20,
            stateful_step_count=20,
            deadline=None,
        ),
    )
