"""Who gets which event: the broker's streams, subscriptions and queues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from movingparts.bus.refusals import (
    check_declaration,
    declared_otherwise,
    follows_otherwise,
    no_stream,
    refuse_overlap,
)
from movingparts.bus.streams import Durable, Stream
from movingparts.bus.subjects import check_name, check_subject, covers, matches
from movingparts.core.event import Event


class Listener(Protocol):
    """A subscription, as far as the router looks at it."""

    @property
    def subject(self) -> str:
        """The pattern that it listens to."""
        ...

    @property
    def queue(self) -> str | None:
        """The name of the queue that it shares events with."""
        ...


L = TypeVar("L", bound=Listener)


@dataclass(slots=True)
class Route(Generic[L]):
    """Who gets the events of one subject."""

    stream: Stream | None
    everyone: list[L] = field(default_factory=list)
    queues: dict[str, list[L]] = field(default_factory=dict)

    def streamed(self) -> str:
        """Return the name of the stream that keeps these events, or nothing."""
        return self.stream.name if self.stream is not None else ""


class Router(Generic[L]):
    """The broker's tables, without anything that moves.

    >>> router: Router[Listener] = Router()
    >>> router.declare("rides", ("rides.>",))
    >>> router.route("rides.ended").streamed(), router.route("docks.full").streamed()
    ('rides', '')

    Source: chapter 05. Leaves out: the tree that NATS finds subscriptions in; here a
    subject's route is looked for once and remembered until a table changes.
    """

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.listeners: list[L] = []
        self._routes: dict[str, Route[L]] = {}
        self._turns: dict[str, int] = {}

    def declare(self, name: str, subjects: tuple[str, ...]) -> None:
        """Begin to keep the events of these subjects; raise `BusError` if it cannot."""
        check_declaration(name, subjects)
        present = self.streams.get(name)
        if present is None:
            for other in self.streams.values():
                refuse_overlap(subjects, other.name, other.subjects)
            self.streams[name] = Stream(name, subjects)
            self._routes.clear()
        elif present.subjects != subjects:
            raise declared_otherwise(name, present.subjects)

    def place(
        self, name: str, pattern: str, bury: Callable[[str, Event], None]
    ) -> Durable:
        """Return the durable place of that name, a new one at its stream's start."""
        check_name("durable", name)
        for stream in self.streams.values():
            if any(covers(subject, pattern) for subject in stream.subjects):
                break
        else:
            raise no_stream(name, pattern)
        if self.route(f"dead.{name}").stream is None:
            self.declare("dead", ("dead.>",))
        place = stream.places.get(name)
        if place is None:
            place = stream.places[name] = Durable(name, stream, pattern, bury)
        if place.pattern != pattern:
            raise follows_otherwise(name, place.pattern, pattern)
        return place

    def add(self, listener: L) -> None:
        """Take a subscription that is not durable."""
        self.listeners.append(listener)
        self._routes.clear()

    def remove(self, listener: L) -> None:
        """Forget a subscription; nothing happens if it is not known."""
        if listener in self.listeners:
            self.listeners.remove(listener)
            self._routes.clear()

    def route(self, subject: str) -> Route[L]:
        """Return who gets a subject's events; raise `SubjectError` for a bad one."""
        route = self._routes.get(subject)
        if route is not None:
            return route
        check_subject(subject)
        route = Route(None)
        for stream in self.streams.values():
            if any(matches(pattern, subject) for pattern in stream.subjects):
                route.stream = stream
        for listener in self.listeners:
            if not matches(listener.subject, subject):
                continue
            if listener.queue is None:
                route.everyone.append(listener)
            else:
                route.queues.setdefault(listener.queue, []).append(listener)
        self._routes[subject] = route
        return route

    def targets(self, route: Route[L]) -> list[L]:
        """Return everyone, and of each queue the member whose turn it is."""
        if not route.queues:
            return list(route.everyone)
        targets = list(route.everyone)
        for queue, members in route.queues.items():
            turn = self._turns[queue] = self._turns.get(queue, -1) + 1
            targets.append(members[turn % len(members)])
        return targets
