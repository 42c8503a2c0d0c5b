"""A broker in memory, over a simulated network or over none."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from movingparts.bus.router import Router
from movingparts.bus.streams import Kept
from movingparts.bus.subscription import MemorySubscription
from movingparts.bus.trace import Trace
from movingparts.core.event import Event
from movingparts.core.network import Network
from movingparts.core.node import Tasks, current_span, parse_traceparent
from movingparts.core.random import Random, stream
from movingparts.core.recording import Fate, Message, MessageKind

if TYPE_CHECKING:
    from movingparts.bus.memory import MemoryBus

Arrive = Callable[[Message | None], Fate]


class MemoryBroker:
    """The broker that the buses of one world connect to.

    With a network, each event, acknowledgment and answer is a message on a link
    between a node and the broker, and shares the link's latency and faults. Without
    one, subscribers get the very object that was published, at once.

    >>> MemoryBroker()
    <MemoryBroker bus: 0 subscriptions, 0 streams>

    Source: chapter 05; NATS and JetStream. Leaves out: all that a broker does to
    outlive its own crash; the messages that subscribing and declaring take.
    """

    def __init__(self, network: Network | None = None, *, name: str = "bus") -> None:
        self.network, self.name = network, name
        self.router: Router[MemorySubscription] = Router()
        self._lives: dict[str, int] = {}
        self._context = contextvars.Context()  # what the broker does is no node's work

    def __repr__(self) -> str:
        router = self.router
        return (
            f"<MemoryBroker {self.name}: {len(router.listeners)} subscriptions,"
            f" {len(router.streams)} streams>"
        )

    def connect(
        self,
        node: str,
        tasks: Tasks,
        *,
        context: contextvars.Context | None = None,
        ids: Random | None = None,
    ) -> MemoryBus:
        """Return the bus of one life of a node; handlers run in its `tasks`.

        Handlers see the context variables of `context`; the ids of spans come from
        `ids`.
        """
        life = self._lives[node] = self._lives.get(node, 0) + 1
        if context is None:
            context = contextvars.copy_context()
            context.run(current_span.set, None)
        from movingparts.bus.memory import MemoryBus

        trace = None
        if self.network is not None:
            ids = ids or stream(0, "bus", node, life)
            recorder, clock = self.network.recorder, self.network.clock
            trace = Trace(node, self.name, recorder, clock.time_us, ids)
        return MemoryBus(self, node, tasks, context, trace)

    def accept(self, kept: Kept, acknowledge: Callable[[], Any] | None = None) -> Fate:
        """Take an event that has arrived: keep it, say so, and pass it on."""
        route = self.router.route(kept.subject)
        targets = self.router.targets(route)
        if route.stream is not None:
            route.stream.append(kept)
        if route.stream is not None and acknowledge is not None:
            acknowledge()
        for target in targets:
            self.hand("event", target, kept)
        if route.stream is not None:
            route.stream.pump()
        return "delivered" if targets or route.stream is not None else "refused"

    def hand(
        self,
        kind: MessageKind,
        target: MemorySubscription,
        kept: Kept,
        *,
        settle: Callable[[Message | None, str | None], None] | None = None,
        answer: Callable[[Message | None, Event], None] | None = None,
    ) -> None:
        """Send an event on to a subscriber; `settle` or `answer` is told the result."""

        def arrive(message: Message | None) -> Fate:
            return target.take(
                kept,
                partial(settle, message) if settle is not None else None,
                partial(answer, message) if answer is not None else None,
            )

        self.carry(kind, (self.name, target.bus.name), kept, arrive, target.bus.context)

    def carry(  # noqa: PLR0913  # a message has that many sides
        self,
        kind: MessageKind,
        link: tuple[str, str],
        kept: Kept,
        arrive: Arrive,
        context: contextvars.Context | None = None,
        *,
        label: str = "",
        answers: Message | None = None,
        status: int | None = None,
    ) -> None:
        """Let something travel between a node and the broker, or be there at once."""
        if self.network is None:
            arrive(None)
            return
        trace_id, span_id = parse_traceparent(kept.event.traceparent)
        message = self.network.recorder.message(
            kind,
            *link,
            label=label or kept.event.type,
            sent_us=self.network.clock.time_us(),
            size=0 if kind == "ack" else len(kept.payload),
            status=status,
            answers=answers.id if answers is not None else None,
            trace_id=trace_id,
            span_id=span_id,
        )
        self.network.send(
            message, arrive, ordered=True, context=context or self._context
        )

    def bury(self, subject: str, letter: Event) -> None:
        """Publish a dead letter, and say so in the recording."""
        payload = b""
        if self.network is not None:
            payload = letter.to_json()
            now = self.network.clock.time_us()
            event = letter.data["event"]
            text = f"{event.get('type', 'an event')}: {letter.data['reason']}"
            self.network.recorder.moment(now, "dead letter", (self.name,), text)
        self.accept(Kept(subject, letter, payload))
