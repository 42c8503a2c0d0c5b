"""A subscription in memory: what binds a handler on a node to a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from movingparts.bus.inbox import Answer, Delivery, Inbox, Settle
from movingparts.bus.streams import Durable, Kept
from movingparts.core.event import Event
from movingparts.core.recording import Fate, Message

if TYPE_CHECKING:
    from movingparts.bus.memory import MemoryBus


class MemorySubscription:
    """A handler bound to a subject, on one node."""

    def __init__(
        self,
        bus: MemoryBus,
        subject: str,
        inbox: Inbox,
        queue: str | None,
        durable: Durable | None,
    ) -> None:
        self.bus, self.subject, self.queue = bus, subject, queue
        self._inbox, self._durable = inbox, durable
        self._open = True

    def __repr__(self) -> str:
        how = f" as {self._durable.name}" if self._durable is not None else ""
        state = "" if self._open else ", stopped"
        return f"<Subscription of {self.bus.name} to {self.subject}{how}{state}>"

    async def stop(self) -> None:
        """Take no more events; what has not been begun goes back, or is gone."""
        self.close()
        for left in self._inbox.close():
            if left.settle is not None:
                left.settle("the subscription was stopped before its turn")

    def close(self) -> None:
        """Be gone from the broker's tables."""
        self._open = False
        self.bus.subscriptions.pop(self, None)
        self.bus.broker.router.remove(self)
        if self._durable is not None:
            self._durable.leave(self)

    def ready(self) -> bool:
        """Say whether it would take an event now."""
        return self._open and self._inbox.idle

    def deliver(self, kept: Kept, settle: Settle) -> None:
        """Carry an event of the durable place here, and the acknowledgment back."""
        broker, durable = self.bus.broker, self._durable

        def settled(delivery: Message | None, reason: str | None) -> None:
            def arrive(message: Message | None) -> Fate:
                settle(reason)
                return "delivered"

            if not self.bus.alive or durable is None:
                return
            label = kept.event.type + (" refused" if reason else "")
            link = (self.bus.name, broker.name)
            broker.carry("ack", link, kept, arrive, label=label, answers=delivery)
            durable.look_again()

        broker.hand("event", self, kept, settle=settled)

    def take(self, kept: Kept, settle: Settle | None, answer: Answer | None) -> Fate:
        """Put what has arrived into the inbox."""
        if not self._open:
            return "refused"
        event = kept.event.copied() if kept.payload else kept.event
        self._inbox.put(Delivery(kept.subject, event, settle, answer))
        return "delivered"

    def offer(self, event: Event) -> None:
        """Put an event into the inbox with nothing between."""
        self._inbox.put(event)
