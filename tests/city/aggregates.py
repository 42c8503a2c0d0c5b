"""What every context of the city must obey, and the tools to test it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from itertools import chain
from types import ModuleType
from typing import Any, Generic, TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from movingparts.city.audit import Audit
from movingparts.published_language import named
from movingparts.repository import Aggregate, MemoryRows, RecordedEvent
from movingparts.unit_of_work import RowStore, UnitOfWork, execute

T = TypeVar("T")

EIGHT = datetime(2031, 5, 5, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


def after(seconds: float) -> datetime:
    """Return a time of the morning that the examples play on."""
    return EIGHT + timedelta(seconds=seconds)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what awaits nothing outside: where a transaction is, nothing can wait."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("it waited for something")


def state(aggregate: Aggregate) -> dict[str, Any]:
    """Return all that an aggregate knows, in the order in which it knows it."""
    found = {
        each.name: getattr(aggregate, each.name)
        for each in fields(aggregate)  # type: ignore[arg-type]  # each is a dataclass
    }
    return {
        name: list(value.items()) if isinstance(value, dict) else value
        for name, value in found.items()
    }


def replayed(fresh: Aggregate, events: Iterable[Any]) -> dict[str, Any]:
    """Apply events to a fresh aggregate, one by one; return its state."""
    for event in events:
        fresh.apply(event)  # type: ignore[attr-defined]  # every aggregate of the city can
    return state(fresh)


def loaded(aggregate: Aggregate) -> dict[str, Any]:
    """Return the state of an aggregate, saved as a row and read again."""
    if not aggregate.events:
        return state(aggregate)
    store = RowStore(MemoryRows())
    work = store.begin()
    work.of(type(aggregate)).add(aggregate)
    events = list(aggregate.events)
    at_once(work.commit())
    aggregate.events.extend(events)
    return state(at_once(store.begin().of(type(aggregate)).get(aggregate.key)))


def unchanged_if(
    refused: type[Exception], aggregate: Aggregate, command: Callable[[], object]
) -> bool:
    """Return whether a command is refused; check that it then changes nothing."""
    before, events = state(aggregate), list(aggregate.events)
    try:
        command()
    except refused:
        assert before == state(aggregate)
        assert events == aggregate.events
        return True
    return False


@dataclass
class Harness:
    """A store, and every event recorded in it, in the order of publication."""

    store: RowStore = field(default_factory=lambda: RowStore(MemoryRows()))
    recorded: list[RecordedEvent] = field(default_factory=list)

    async def publish(self, recorded: Sequence[RecordedEvent]) -> None:
        """Take the place of a publisher."""
        self.recorded.extend(recorded)

    def do(self, act: Callable[[UnitOfWork], Coroutine[Any, Any, T]]) -> T:
        """Execute one unit of work."""
        return at_once(execute(self.store, act, publish=self.publish))

    def get(self, kind: type[T], key: str) -> T:
        """Return one aggregate, as it is stored."""
        found: T = at_once(self.store.begin().of(kind).get(key))  # type: ignore[type-var]  # an aggregate's type
        return found

    def all(self, kind: type[Any]) -> list[Any]:
        """Return all aggregates of a kind, in the order of their keys."""
        work = self.store.begin().of(kind)
        return [at_once(work.get(key)) for key in at_once(work.keys())]

    def states(self, *kinds: type[Any]) -> list[dict[str, Any]]:
        """Return the states of all aggregates of some kinds."""
        return [state(each) for kind in kinds for each in self.all(kind)]

    def of(self, kind: type[T]) -> list[T]:
        """Return the recorded events of a kind."""
        return [e.event for e in self.recorded if isinstance(e.event, kind)]

    def audited(self, contract: ModuleType) -> list[str]:
        """Return the rules that the published events break."""
        context, audit = contract.__name__.split(".")[-2], Audit()
        for each in self.recorded:
            message = contract.to_message(each.event)
            if message is not None:
                name = named(context, type(message))
                audit.handle(name, message.model_dump(mode="json"))
        return audit.broken

    def events(self, kind: type[Any], key: str) -> list[Any]:
        """Return the events of one aggregate."""
        name = kind.__name__
        return [each.event for each in self.recorded if (name, key) == _of(each)]

    def numbered_without_gaps(self) -> bool:
        """Return whether each aggregate's events are numbered from 1, in order."""
        numbers: dict[tuple[str, str], list[int]] = {}
        for each in self.recorded:
            numbers.setdefault(_of(each), []).append(each.number)
        return all(found == [*range(1, len(found) + 1)] for found in numbers.values())


def _of(recorded: RecordedEvent) -> tuple[str, str]:
    return recorded.kind, recorded.key


C = TypeVar("C", bound=Harness)


@dataclass(frozen=True, kw_only=True)
class Scenario(Generic[C]):
    """A context as the general laws see it: how it starts, and what may happen to it.

    `step` does one of the `steps`, and may raise one of `refused`. A step of `repeated`
    may come twice; `recorded_again` is true for events that the second may record.
    """

    start: Callable[[], C]
    step: Callable[[C, Any], None]
    aggregates: tuple[type[Any], ...]
    steps: st.SearchStrategy[list[Any]]
    repeated: st.SearchStrategy[Any]
    refused: tuple[type[Exception], ...] = ()
    recorded_again: Callable[[Any], bool] = lambda event: False

    def states(self, city: Harness) -> list[dict[str, Any]]:
        """Return the states of all aggregates."""
        return city.states(*self.aggregates)

    def do(self, city: C, step: Any) -> None:
        """Do one step; check that it changes nothing if it is refused."""
        before, published = deepcopy(city.store), len(city.recorded)
        try:
            self.step(city, step)
        except self.refused:
            assert self.states(Harness(before)) == self.states(city)
            assert published == len(city.recorded)

    def run(self, steps: Iterable[Any]) -> C:
        """Return the context after some steps."""
        city = self.start()
        for step in steps:
            self.do(city, step)
        return city


def often(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Return what draws from strategies, each as often as its number says."""
    bag = [strategy for times, strategy in choices for _ in range(times)]
    return st.integers(0, len(bag) - 1).flatmap(lambda number: bag[number])


def lives(step: st.SearchStrategy[Any], *, parts: int = 3) -> st.SearchStrategy[Any]:
    """Return lists of steps that are long on average, and may shrink to nothing."""
    some = st.lists(step, max_size=10)
    return st.tuples(*[some] * parts).map(lambda found: [*chain(*found)])


laws = settings(max_examples=60, deadline=None)
"""For laws whose every example lives a while."""

moments = st.integers(0, 40).map(after)
"""Times of a busy minute, so that many are the same and many out of order."""
