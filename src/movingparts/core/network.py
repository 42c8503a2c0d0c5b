"""A network that delays, loses, doubles, reorders and blocks, by a seed."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from movingparts.core.clock import VirtualClock
from movingparts.core.random import Constant, Latency, Random, latency, stream
from movingparts.core.recording import Fate, Message, MessageKind, Recorder

Arrive = Callable[[Message], Fate]


_MILLISECOND = Constant(0.001)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a link does to a message.

    `latency` is a distribution in seconds; `loss`, `duplicate` and `reorder` are
    probabilities a message; `bandwidth` is in bytes per second, None for no limit.
    A reordered message is held back for one to three latencies more, and later ones
    may pass it.
    """

    latency: Latency = _MILLISECOND
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is a probability from 0 to 1, got {value!r}")
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise ValueError(
                f"bandwidth is in bytes per second, got {self.bandwidth!r}"
            )


@dataclass(slots=True)
class _Link:
    """One direction between two nodes, with a stream of chance for each fault."""

    seed: int
    source: str
    target: str
    sent: dict[MessageKind, int] = field(default_factory=dict)
    busy_until_us: int = 0
    last_arrival_us: int = 0
    streams: dict[str, Random] = field(default_factory=dict)

    def chance(self, of: str) -> Random:
        if of not in self.streams:
            names = ("link", self.source, self.target, of)
            self.streams[of] = stream(self.seed, *names)
        return self.streams[of]

    def happens(self, of: str, probability: float) -> bool:
        return probability > 0.0 and self.chance(of).random() < probability


@dataclass(slots=True)
class _Rule:
    """A fault that a scenario asks for by name: the n-th message of a kind."""

    source: str
    target: str
    kind: str
    fault: str
    skip: int
    times: int

    def matches(self, message: Message) -> bool:
        return (
            self.source in ("*", message.source)
            and self.target in ("*", message.target)
            and self.kind in ("*", message.kind)
        )


class Network:
    """The links among the nodes of a simulated world.

    A message's delay and fate come from its link's own streams; every injected fault
    has a key, and a key in `without` does not happen.

    Source: chapter 01. Leaves out: routes, congestion between links, TCP's own
    retransmission (a lost message stays lost until somebody sends it again).
    """

    def __init__(
        self,
        seed: int,
        clock: VirtualClock,
        recorder: Recorder,
        *,
        without: Collection[str] = (),
    ) -> None:
        self._seed, self.clock, self.recorder = seed, clock, recorder
        self._without = frozenset(without)
        self._links: dict[tuple[str, str], _Link] = {}
        self._everywhere = Conditions()
        self._conditions: dict[tuple[str, str], dict[str, Any]] = {}
        self._known: dict[tuple[str, str], Conditions] = {}
        self._rules: list[_Rule] = []
        self._cuts: dict[tuple[str, str], int] = {}
        self._crashes: dict[str, int] = {}
        self._crash: Callable[[str], None] | None = None
        self._restart: Callable[[str], Awaitable[None]] | None = None

    def attach(
        self, crash: Callable[[str], None], restart: Callable[[str], Awaitable[None]]
    ) -> None:
        """Take from the world how a node is ended and begun again."""
        self._crash, self._restart = crash, restart

    def __repr__(self) -> str:
        cuts = ", ".join(f"{a} ✕ {b}" for a, b in self._cuts) or "none"
        return f"<Network: {len(self._links)} links in use, partitions: {cuts}>"

    # --- what a scenario sets -------------------------------------------------

    def everywhere(self, **conditions: Any) -> None:
        """Set conditions (see `Conditions`) for each link that has none of its own."""
        self._everywhere = replace(self._everywhere, **_checked(conditions))
        self._known.clear()

    def link(self, source: str, target: str, **conditions: Any) -> None:
        """Set conditions for messages from `source` to `target`; "*" is any node.

        Requests go from caller to callee, replies from callee to caller.
        """
        fresh = _checked(conditions)
        replace(self._everywhere, **fresh)  # refuses bad values now, not when used
        self._conditions.setdefault((source, target), {}).update(fresh)
        self._known.clear()

    def between(self, one: str, other: str, **conditions: Any) -> None:
        """Set conditions for both directions between two nodes."""
        self.link(one, other, **conditions)
        self.link(other, one, **conditions)

    def lose(
        self,
        source: str = "*",
        target: str = "*",
        *,
        kind: str = "*",
        skip: int = 0,
        times: int = 1,
    ) -> None:
        """Lose the next `times` messages that match, after letting `skip` through.

        `kind` is "request", "reply", "event", "ack", or "*" for any.
        """
        self._rules.append(_Rule(source, target, kind, "lost", skip, times))

    def duplicate(
        self,
        source: str = "*",
        target: str = "*",
        *,
        kind: str = "*",
        skip: int = 0,
        times: int = 1,
    ) -> None:
        """Deliver the next `times` messages that match twice, after `skip` others."""
        self._rules.append(_Rule(source, target, kind, "doubled", skip, times))

    def partition(
        self,
        side: str | Iterable[str],
        other: str | Iterable[str],
        *,
        one_way: bool = False,
    ) -> None:
        """Let nothing pass between two sides (a name or several each) until `heal`."""
        for a, b in _pairs(side, other, one_way):
            key = self._allowed(f"{a}>{b}:partition", f"{a} and {b} are cut off")
            if key:
                self._cuts[a, b] = self._cuts.get((a, b), 0) + 1
        names = [*_names(side), *_names(other)]
        text = f"{', '.join(_names(side))} cut off from {', '.join(_names(other))}"
        self.recorder.moment(self.clock.time_us(), "partition", names, text)

    def heal(
        self,
        side: str | Iterable[str] | None = None,
        other: str | Iterable[str] | None = None,
    ) -> None:
        """End the partition between two sides, or without arguments every one."""
        if side is None or other is None:
            names = sorted({name for pair in self._cuts for name in pair})
            self._cuts.clear()
        else:
            names = [*_names(side), *_names(other)]
            for pair in _pairs(side, other, False):
                self._cuts.pop(pair, None)
        self.recorder.moment(self.clock.time_us(), "heal", names, "in touch again")

    def crash(self, name: str) -> None:
        """Kill a service: its memory and tasks are gone, its disk stays.

        Open transactions are rolled back, callers in mid-call see the connection
        close, and whatever its `finally` blocks still do reaches nothing.
        """
        number = self._crashes[name] = self._crashes.get(name, 0) + 1
        if self._crash is not None and self._allowed(
            f"{name}:crash#{number}", f"{name} crashes"
        ):
            self._crash(name)

    async def restart(self, name: str) -> None:
        """Start a crashed service again: its factory anew, on the same disk."""
        if self._restart is not None:
            await self._restart(name)

    # --- what carries messages --------------------------------------------------

    def cut(self, source: str, target: str) -> bool:
        """Return whether a partition stands between two nodes, in this direction."""
        return bool(self._cuts) and (source, target) in self._cuts

    def conditions(self, source: str, target: str) -> Conditions:
        """Return what holds from `source` to `target` now."""
        known = self._known.get((source, target))
        if known is None:
            own: dict[str, Any] = {}
            for pair in (("*", target), (source, "*"), (source, target)):
                own.update(self._conditions.get(pair, {}))
            known = self._known[source, target] = replace(self._everywhere, **own)
        return known

    def delay_us(self, source: str, target: str) -> int:
        """Draw how long something without content takes (a refusal, a reset)."""
        rng = self._link(source, target).chance("control")
        return self.conditions(source, target).latency.draw(rng)

    def send(
        self,
        message: Message,
        arrive: Arrive,
        *,
        ordered: bool = False,
        context: contextvars.Context | None = None,
    ) -> None:
        """Carry a message: `arrive(message)` is called when and if it gets there.

        What `arrive` returns becomes the message's fate. With `ordered`, messages of
        one link do not pass each other (one connection) unless a fault reorders them.
        """
        link = self._link(message.source, message.target)
        if self.cut(message.source, message.target):
            message.fate = "blocked"
            return
        here = self.conditions(message.source, message.target)
        number = link.sent.get(message.kind, 0) + 1
        link.sent[message.kind] = number
        arrival = self._arrival_us(link, here, message, number, ordered)
        ruled = self._ruled(message) if self._rules else ()
        lost = link.happens("loss", here.loss) or "lost" in ruled
        twice = link.happens("duplicate", here.duplicate) or "doubled" in ruled
        if lost and self._happens_to(message, number, "lost"):
            message.fate = "lost"
        else:
            self.clock.at(arrival, self._arrived, message, arrive, context=context)
        if twice and self._happens_to(message, number, "doubled"):
            copy = self._copy(message)
            extra = here.latency.draw(link.chance("copy"))
            self.clock.at(arrival + extra, self._arrived, copy, arrive, context=context)

    def _arrival_us(
        self,
        link: _Link,
        here: Conditions,
        message: Message,
        number: int,
        ordered: bool,
    ) -> int:
        depart = self.clock.time_us()
        if here.bandwidth is not None:
            depart = max(depart, link.busy_until_us)
            depart += round(message.size * 1_000_000 / here.bandwidth)
            link.busy_until_us = depart
        arrival = depart + here.latency.draw(link.chance("latency"))
        held = link.happens("reorder", here.reorder)
        if held and self._happens_to(message, number, "held", "held back"):
            rng = link.chance("held")
            return arrival + sum(
                here.latency.draw(rng) for _ in range(1 + int(rng.random() * 3))
            )
        if ordered:
            arrival = max(arrival, link.last_arrival_us)
            link.last_arrival_us = arrival
        return arrival

    def _arrived(self, message: Message, arrive: Arrive) -> None:
        if self.cut(message.source, message.target):
            message.fate = "blocked"
            return
        message.arrived_us = self.clock.time_us()
        message.fate = arrive(message)

    def _copy(self, message: Message) -> Message:
        return self.recorder.message(
            message.kind,
            message.source,
            message.target,
            label=message.label,
            sent_us=message.sent_us,
            size=message.size,
            status=message.status,
            answers=message.answers,
            copy_of=message.id,
            trace_id=message.trace_id,
            span_id=message.span_id,
        )

    def _ruled(self, message: Message) -> list[str]:
        """Return the faults that rules ask for this message, and count them down."""
        found = []
        for rule in list(self._rules):
            if not rule.matches(message):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)
            found.append(rule.fault)
        return found

    def _happens_to(
        self, message: Message, number: int, what: str, text: str = ""
    ) -> bool:
        """Note a fault of the n-th message of its kind, unless the run is without."""
        key = f"{message.source}>{message.target}:{message.kind}#{number}:{what}"
        return self._allowed(key, f"{message.label} {text or what}")

    def _allowed(self, key: str, text: str) -> bool:
        """Note an injected fault, unless the run is one without it."""
        if key in self._without:
            return False
        self.recorder.fault(key, self.clock.time_us(), text)
        return True

    def _link(self, source: str, target: str) -> _Link:
        link = self._links.get((source, target))
        if link is None:
            link = self._links[source, target] = _Link(self._seed, source, target)
        return link


def _checked(conditions: dict[str, Any]) -> dict[str, Any]:
    known = Conditions.__dataclass_fields__
    unknown = [name for name in conditions if name not in known]
    if unknown:
        raise TypeError(f"a link has no {unknown[0]!r}; it has: {', '.join(known)}")
    if "latency" in conditions:
        conditions = {**conditions, "latency": latency(conditions["latency"])}
    return conditions


def _names(side: str | Iterable[str]) -> list[str]:
    return [side] if isinstance(side, str) else list(side)


def _pairs(
    side: str | Iterable[str], other: str | Iterable[str], one_way: bool
) -> list[tuple[str, str]]:
    pairs = [(a, b) for a in _names(side) for b in _names(other)]
    return pairs if one_way else [*pairs, *((b, a) for a, b in pairs)]
