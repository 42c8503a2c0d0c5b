"""Exercise 2.3: a border that holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from movingparts.bus import Event
from movingparts.check.answer import Answer, Call, shown
from movingparts.check.ch02.rails import (
    CLAMPS,
    HELD,
    PREFIX,
    Rail,
    Sent,
    stanchion,
    text_of,
)
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.meter import new_run, traced, untraced
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import AnswerRaised, Complaint, Rejected, StillToDo
from movingparts.city.audit import Audit
from movingparts.city.stations import contract
from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import (
    BikeId,
    Docked,
    DockId,
    DockState,
    Report,
    StationId,
    Taken,
)
from movingparts.city.stations.service import Desk, stations
from movingparts.published import Publisher, keep
from movingparts.repository import SqliteRows
from movingparts.unit_of_work import RowStore
from movingparts.world.core import Node
from movingparts.world.core.random import Random, stream
from movingparts.world.core.recording import Recording

ONE, TWO = "S01", "S02"
BIKES = ("B0212", "B0007", "V0138")
APART = 30.0  # seconds between two steps
HOURS = 3 * 3600.0  # that a rail is offline
QUIET = 60.0  # seconds after which nothing is under way any more
EXACT = timedelta(seconds=1)
Item = Report | Unreadable
SAMPLE: Mapping[str, Any] = MappingProxyType(
    {
        "protocol": 1,
        "rail": f"{PREFIX}{ONE}",
        "sent": "2031-05-05T10:00:05+02:00",
        "events": [
            {
                "type": "vehicle",
                "clamp": 7,
                "vehicle": f"{PREFIX}B0212",
                "state": "available",
                "age": 5,
            }
        ],
    }
)


# --- what a run sees --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Misread:
    """One event that was read as something else, and what that shows."""

    misconception: str
    said: str


@dataclass(slots=True)
class _Seen:
    """What an answer made of each message, in one run."""

    sent: Sent = field(default_factory=dict)
    misread: list[Misread] = field(default_factory=list)
    failed: Rejected | StillToDo | None = None
    failed_on: Misread | None = None
    done: list[str] = field(default_factory=list)  # the keys of the steps so far
    begun: int = 0  # messages before the first step


def _items(value: object) -> list[Item]:
    """Return an answer's list; raise `Rejected` for what is none."""
    kinds = (Docked, Taken, DockState, Unreadable)
    if not isinstance(value, list | tuple):
        text = f"`translate` returned {shown(value)}, not a list."
        raise Rejected("garbage", text)
    items = list(value)
    for item in items:
        if type(item) not in kinds:
            text = (
                "The list has Docked, Taken, DockState and Unreadable; yours has"
                f" {shown(item)}."
            )
            raise Rejected("garbage", text)
        if isinstance(item, Unreadable):
            _check_unreadable(item)
        else:
            _check(item)
    return items


def _check_unreadable(item: Unreadable) -> None:
    """Raise `Rejected` for one that says nothing to whoever looks at it."""
    said: tuple[object, object] = (item.why, item.said)
    if not all(isinstance(each, str) for each in said):
        text = (
            "An Unreadable is for somebody who looks at it later: `why` and `said` are"
            f" text. Yours is {shown(item, 160)}."
        )
        raise Rejected("garbage", text)
    if not str.strip(item.why):
        text = (
            "An Unreadable has to say why it is one, to whoever looks at it later; the"
            f" `why` of yours is empty: {shown(item, 160)}."
        )
        raise Rejected("says-not-why", text)


def _check(item: Report) -> None:
    """Raise `Rejected` for a report with a part of another type."""
    named = ("bike_id", "station_id", "dock_id")
    ids: list[object] = [getattr(item, name, "") for name in named]
    if isinstance(item, Docked) and item.dock_id is None:
        ids.pop()
    if any(type(each) is not str for each in ids):
        text = f"The ids of a report are text: {shown(item, 160)}."
        raise Rejected("garbage", text)
    jammed: object = getattr(item, "jammed", False)
    if type(jammed) is not bool:
        text = f"A dock is jammed or not, True or False: {shown(item, 160)}."
        raise Rejected("garbage", text)
    at: object = item.at
    if type(at) is not datetime:
        text = f"The time of a report is a datetime: {shown(item, 160)}."
        raise Rejected("garbage", text)
    if at.utcoffset() is None:
        text = (
            f"The time of a report says its zone: {at.isoformat()} is nowhere, and"
            " cannot be compared with the others. `sent` has an offset from UTC."
        )
        raise Rejected("no-time-zone", text)


def _short(item: Item | None) -> str:
    """Say an item in a few words."""
    if item is None:
        return "nothing"
    if isinstance(item, Unreadable):
        return "unreadable"
    at = item.at.isoformat(timespec="seconds")
    if isinstance(item, DockState):
        return f"dock {item.dock_id} {'jammed' if item.jammed else 'works'} at {at}"
    if isinstance(item, Taken):
        return f"bike {item.bike_id} taken from {item.station_id} at {at}"
    return f"bike {item.bike_id} in {item.dock_id} of {item.station_id} at {at}"


def misread(
    message: Any, items: list[Item], meant: list[Report | None]
) -> Misread | None:
    """Return the first event of a message that was read as something else."""
    if len(items) < len(meant):
        return _dropped(items, meant)
    if len(items) > len(meant):
        return Misread("more-than-was-said", _counted(items, meant))
    if _turned(items, meant):
        return Misread("in-another-order", f"You read {shown(message, 250)} so.")
    for number, (item, right) in enumerate(zip(items, meant, strict=True)):
        if not _same(item, right):
            event = _event_of(message, number)
            was = _short(right) if right else "unreadable"
            said = f"{shown(event, 150)} was: {was}. You read: {_short(item)}."
            return Misread(_why(message, event, item, right, items), said)
    return None


def _turned(items: list[Item], meant: list[Report | None]) -> bool:
    """Say whether the right items are in another order."""
    if all(_same(item, right) for item, right in zip(items, meant, strict=True)):
        return False
    left = list(items)
    for right in meant:
        found = [n for n, item in enumerate(left) if _same(item, right)]
        if not found:
            return False
        del left[found[0]]
    return True


def _event_of(message: Any, number: int) -> Any:
    try:
        return message["events"][number]
    except (TypeError, LookupError):
        return message


def _dropped(items: list[Item], meant: list[Report | None]) -> Misread:
    text = _counted(items, meant)
    if None in meant:
        return Misread("drops-what-it-does-not-know", text)
    return Misread("loses-reports", text)


def _counted(items: list[Item], meant: list[Report | None]) -> str:
    events = "one event" if len(meant) == 1 else f"{len(meant) or 'no'} events"
    became = "one item" if len(items) == 1 else f"{len(items) or 'no'} items"
    return f"A message with {events} became {became}."


def _same(item: Item, right: Report | None) -> bool:
    if right is None or isinstance(item, Unreadable):
        return right is None and isinstance(item, Unreadable)
    if type(item) is not type(right) or abs(item.at - right.at) >= EXACT:
        return False
    return bool(replace(item, at=right.at) == right)


WHY: Mapping[str, str] = MappingProxyType(
    {
        "drops-what-it-does-not-know": (
            "What is dropped, nobody will ever ask for. What cannot be read is kept as"
            " Unreadable, so that somebody sees it, and reads it when it is known what"
            " it means."
        ),
        "loses-reports": (
            "There is one item for each event. Whether something was told before is not"
            " for a border to know: of two tellings, either may be the only one that"
            " arrives."
        ),
        "more-than-was-said": "There is one item for each event, in their order.",
        "in-another-order": (
            "All of it is right, and in another order than the events. Each report has"
            " its time, so nobody needs them sorted; and whoever looks for what became"
            " of an event looks at its place."
        ),
        "guesses-the-unknown": (
            "What you do not know may mean anything: a guess becomes a report, and a"
            " report is believed."
        ),
        "passes-their-words-on": (
            f"`{PREFIX}` is the vendor's word for this customer. In the city a station"
            " and a bike have names of their own, and a border that lets the vendor's"
            " pass has let the vendor in."
        ),
        "part-of-a-name": (
            f"`{PREFIX}` stands before the name, and all that is behind it is the name,"
            " whatever letter it begins with."
        ),
        "other-names": (
            "The dock is called after its station and its clamp, with two digits."
        ),
        "one-bad-event-spoils-all": (
            "One event of a message cannot be read, and the others are lost with it."
            " Each is to be read for itself."
        ),
        "reads-one-version": (
            "That is version 2, as its release note has it. Both versions are under way"
            " at the same time."
        ),
        "a-new-field-spoils-it": (
            "It has a field that you have not heard of, and all that is needed. There"
            " are new fields, says the release note: what you do not need, let pass."
        ),
        "too-strict": "All that is needed is in it.",
        "first-of-the-list": (
            "The list is what has been, oldest first: the last is what is."
        ),
        "their-available-is-ours": (
            "The vendor's `available` means for rent. A bike that is `non_operational`"
            " or `reserved` is held by its clamp like any other, and that is all that"
            " stations wants to know."
        ),
        "drops-the-time-zone": (
            "`sent` is the rail's own clock, with its offset from UTC. Without the"
            " offset it is another instant."
        ),
        "sent-is-not-happened": (
            "That is when the message was sent. It has happened `age` before, which is"
            " hours where a rail was offline."
        ),
        "one-unit-for-both": (
            "`age` is in seconds in version 1 and in milliseconds in version 2, and"
            " `protocol` says which it is."
        ),
        "guesses-by-size": (
            "`age` is in seconds in version 1 and in milliseconds in version 2. A large"
            " number may be a rail that was offline for hours, a small one a fresh"
            " event: only `protocol` tells."
        ),
        "wrong-time": "It has happened `age` before it was `sent`.",
    }
)


def _why(
    message: Any, event: Any, item: Item, right: Report | None, items: list[Item]
) -> str:
    """Return the misconception that a wrong item shows."""
    if isinstance(item, Unreadable):
        return _too_strict(message, event, items)
    if right is None:
        return "guesses-the-unknown"
    if type(item) is not type(right):
        states = event["state"]
        if isinstance(states, list) and (states[0] in HELD) == isinstance(item, Docked):
            return "first-of-the-list"
        return "their-available-is-ours"
    if abs(item.at - right.at) >= EXACT:
        return _other_time(message, event, item.at, right.at)
    return _other_name(item, right)


def _other_name(item: Report, right: Report) -> str:
    if PREFIX in _short(item):
        return "passes-their-words-on"
    names = [(each.station_id, getattr(each, "bike_id", "")) for each in (item, right)]
    return "other-names" if names[0] == names[1] else "part-of-a-name"


def _too_strict(message: Any, event: Any, items: list[Item]) -> str:
    if len(items) > 1 and all(isinstance(item, Unreadable) for item in items):
        return "one-bad-event-spoils-all"
    state = event["state"]
    if (state if isinstance(state, str) else state[-1]) in HELD[1:]:
        return "their-available-is-ours"
    if NEWS & {*message, *event}:
        return "a-new-field-spoils-it"
    return "reads-one-version" if message["protocol"] == 2 else "too-strict"


def _other_time(message: Any, event: Any, said: datetime, right: datetime) -> str:
    sent = datetime.fromisoformat(message["sent"])
    offset = sent.utcoffset() or timedelta()
    if offset and abs(abs(said - right) - abs(offset)) < EXACT:
        return "drops-the-time-zone"
    if abs(said - sent) < EXACT:
        return "sent-is-not-happened"
    other = timedelta(milliseconds=1000 if message["protocol"] == 2 else 1)
    if abs(said - (sent - event["age"] * other)) < EXACT:
        return "one-unit-for-both"
    return "wrong-time"


# --- a small world ----------------------------------------------------------------


def _with_border(answer: Answer, seen: _Seen) -> Any:
    """Return the factory of stations, with a border of the answer's."""

    def factory(node: Node) -> FastAPI:
        store = RowStore(SqliteRows(node.disk.connect()))
        app = stations(node, store=store)
        desk = Desk(node, store, Publisher(node, contract.tell))

        @app.post("/stanchion", status_code=202)
        async def from_the_vendor(request: Request) -> dict[str, int]:
            items = _translated(answer, seen, await request.json())
            reports = [item for item in items if not isinstance(item, Unreadable)]
            await desk.report(reports)
            return {"read": len(reports), "unread": len(items) - len(reports)}

        return app

    return factory


def _translated(answer: Answer, seen: _Seen, message: Any) -> list[Item]:
    try:
        with traced():
            items = _items(answer(deepcopy(message)))
    except (Rejected, StillToDo) as failed:
        if seen.failed is None:
            seen.failed = failed
            meant = seen.sent[text_of(message)]
            odd = None in meant or not meant or _version(message) == 2
            seen.failed_on = Misread("", shown(message, 200)) if odd else None
        raise HTTPException(500, "translate failed") from None
    wrong = misread(message, items, seen.sent[text_of(message)])
    if wrong is not None:
        seen.misread.append(wrong)
    return items


def _version(message: Any) -> Any:
    return message.get("protocol") if isinstance(message, dict) else None


def _auditor(audit: Audit) -> Any:
    def factory(node: Node) -> FastAPI:
        async def hear(event: Event) -> None:
            audit.take(event.type.removeprefix("city.larkhaven."), event.data)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            await keep(node, "stations")
            await node.bus.subscribe("stations.*", hear, durable="audit")
            yield

        return FastAPI(title="audit", lifespan=lifespan)

    return factory


@dataclass(slots=True)
class _Run:
    """The world of one run."""

    world: Any
    seen: _Seen
    rails: dict[str, Rail]
    audit: Audit

    async def call(self, who: str, method: str, path: str, body: Any = None) -> None:
        """Let somebody do something at a rail."""
        client = self.world.client(who, timeout=10)
        await client.request(method, f"http://stanchion/{path}", json=body)


Step = tuple[Any, ...]
Act = Callable[..., Awaitable[None]]


async def _move(run: _Run, station: str, bike: str, states: str) -> None:
    who = "truck" if states.endswith("removed") else "rider"
    await run.call(who, "POST", f"{station}/{bike}/{states}")


async def _jam(run: _Run, station: str, clamp: int, jammed: bool) -> None:
    await run.call("operator", "PUT", f"{station}/clamps/{clamp}/{str(jammed).lower()}")


async def _note(run: _Run, station: str, body: dict[str, Any]) -> None:
    await run.call("operator", "POST", f"{station}/notes", body)


async def _line(run: _Run, station: str, up: bool) -> None:
    await run.call("operator", "PUT", f"{station}/line/{str(up).lower()}")


async def _upgrade(run: _Run, station: str) -> None:
    await run.call("operator", "PUT", f"{station}/version/2")


async def _say(run: _Run, message: Any, meant: tuple[Report | None, ...]) -> None:
    run.seen.sent[text_of(message)] = list(meant)
    await run.call("operator", "POST", "messages", {"message": message})


async def _lose(run: _Run) -> None:
    run.world.network.lose("stations", "stanchion", kind="reply")


async def _double(run: _Run) -> None:
    run.world.network.duplicate("stanchion", "stations", kind="request")


async def _wait(run: _Run, seconds: float) -> None:
    await run.world.clock.sleep(seconds)


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "move": _move,
        "jam": _jam,
        "note": _note,
        "line": _line,
        "upgrade": _upgrade,
        "say": _say,
        "lose": _lose,
        "double": _double,
        "wait": _wait,
    }
)


def _in(station: str = ONE, bike: str = BIKES[0], states: str = "available") -> Step:
    return ("move", station, bike, states)


def _out(station: str = ONE, bike: str = BIKES[0], states: str = "on_trip") -> Step:
    return ("move", station, bike, states)


def _vehicle(**parts: Any) -> dict[str, Any]:
    whole = {"type": "vehicle", "clamp": 1, "vehicle": f"{PREFIX}{BIKES[0]}"}
    return {name: v for name, v in {**whole, **parts}.items() if v is not None}


def _of_old(*events: Any, **head: Any) -> dict[str, Any]:
    """Return a message that was sent before any run begins, of a bike long gone."""
    return {**SAMPLE, "sent": OLD.isoformat(), "events": list(events), **head}


def _taken(age: int) -> Taken:
    return Taken(BikeId(BIKES[0]), StationId(ONE), OLD - timedelta(seconds=age))


OFFLINE = (("line", ONE, False), ("line", ONE, True))
OLD = datetime.fromisoformat("2031-05-05T07:00:05+02:00")
FIRST: Mapping[str, Any] = MappingProxyType(SAMPLE["events"][0])
SECOND: Mapping[str, Any] = MappingProxyType(
    {
        "type": "vehicle",
        "lock": 7,
        "vehicle": f"{PREFIX}{BIKES[0]}",
        "state": ["on_trip", "available"],
        "age": 5_000,
        "battery": 81,
    }
)
NEWS = frozenset({"tilt", "uptime"})  # fields that no other message has
BAD: tuple[dict[str, Any], ...] = (
    _vehicle(state="available", clamp="seven"),
    _vehicle(state="on_trip", vehicle=None),
    _vehicle(state="non_contactable"),
    _vehicle(),
    {"type": "heartbeat", "battery": 12},
    {"state": "available"},
    _vehicle(state=[]),
    _vehicle(state="available", vehicle=5),
    _vehicle(state="on_trip", age=10**30),
    _vehicle(state="available", clamp=2, vehicle=f"{PREFIX}T01", type="trailer"),
    _vehicle(state="on_trip", type="trailer"),
    {"type": "charger", "clamp": 2, "state": "jammed"},
    {"type": "clamp", "clamp": 2, "state": "worn"},
    {"type": "clamp", "clamp": 2, "state": "available"},
)
NONSENSE: tuple[Any, ...] = (
    {},
    {**SAMPLE, "protocol": 3},
    {**SAMPLE, "protocol": 3, "events": [dict(SECOND)]},
    {name: part for name, part in SAMPLE.items() if name != "protocol"},
    {**SAMPLE, "sent": "yesterday"},
    {**SAMPLE, "sent": "2031-05-05T10:00:05"},
    {**SAMPLE, "events": "none"},
    {name: part for name, part in SAMPLE.items() if name != "rail"},
    [SAMPLE["events"]],
    "hello",
    None,
)
CAME = Docked(
    BikeId(BIKES[0]), StationId(ONE), DockId(f"{ONE}-07"), OLD - timedelta(seconds=50)
)
LEFT = {**FIRST, "state": "on_trip"}
NEW = {**SECOND, "state": ["reserved", "on_trip"], "tilt": 3}
AGELESS = {name: part for name, part in FIRST.items() if name != "age"}
# What is said, by no rail, and what is to be read in it.
SAID: tuple[tuple[Any, tuple[Report | None, ...]], ...] = (
    *((message, (None,)) for message in NONSENSE),
    (_of_old("x", None), (None, None)),
    (_of_old(AGELESS), (None,)),
    (_of_old(), ()),
    (_of_old({**LEFT, "age": 200_000}), (_taken(200_000),)),
    (_of_old(LEFT, LEFT), (_taken(5), _taken(5))),
    (_of_old(LEFT, {**FIRST, "age": 50}), (_taken(5), CAME)),
    (_of_old(NEW, protocol=2, uptime=7), (_taken(5),)),
)
# What happens, under which versions of the two rails, and by which clocks (in hours).
STORIES: tuple[tuple[tuple[int, int], tuple[int, int], tuple[Step, ...]], ...] = (
    ((1, 1), (0, 0), (_in(), _out(), _in(TWO))),
    ((2, 2), (0, 0), (_in(), _out(), _in(TWO))),
    ((1, 2), (0, 0), (_in(), ("jam", ONE, 1, True), ("jam", ONE, 1, False))),
    ((2, 1), (0, 0), (_in(), ("jam", ONE, 1, True))),
    ((1, 2), (2, 0), (_in(), _out(), _in(TWO))),
    ((2, 1), (-5, 0), (_in(TWO), _out(TWO), _in(), _out())),
    (
        (1, 1),
        (0, 0),
        (_in(), OFFLINE[0], _out(), _in(TWO), ("wait", HOURS), OFFLINE[1]),
    ),
    (
        (1, 2),
        (2, 0),
        (_in(), OFFLINE[0], _out(), _in(TWO), ("wait", HOURS), OFFLINE[1]),
    ),
    (
        (2, 2),
        (0, 0),
        (_in(), OFFLINE[0], _out(), _in(TWO), ("wait", HOURS), OFFLINE[1]),
    ),
    ((2, 2), (0, 0), (_in(), _out(states="reserved,on_trip"))),
    ((2, 2), (0, 0), (_in(states="on_trip,available"),)),
    ((2, 1), (0, 0), (_in(), _out(states="available,on_trip,available"))),
    ((1, 1), (0, 0), (_in(states="non_operational"),)),
    ((2, 2), (0, 0), (_in(states="on_trip,non_operational"), _out(states="removed"))),
    ((1, 1), (0, 0), (_in(), _out(states="reserved"))),
    ((2, 2), (0, 0), (_in(), ("note", ONE, {"type": "heartbeat"}))),
    ((2, 2), (0, 0), (_in(), _out(states="non_contactable"))),
    ((1, 1), (0, 0), (_in(), _out(states="non_contactable"))),
    (
        (1, 1),
        (0, 0),
        (OFFLINE[0], _in(), ("note", ONE, BAD[0]), _in(bike=BIKES[1]), OFFLINE[1]),
    ),
    (
        (2, 2),
        (0, 0),
        (OFFLINE[0], _in(), ("note", ONE, BAD[4]), _in(bike=BIKES[1]), OFFLINE[1]),
    ),
    (
        (1, 2),
        (2, 0),
        (_in(), OFFLINE[0], _out(), ("upgrade", ONE), OFFLINE[1], _in(TWO)),
    ),
    ((1, 1), (0, 0), (_in(), ("lose",), _out(), _in(TWO))),
    ((2, 2), (0, 0), (_in(), ("double",), _out(), _in(TWO))),
    ((1, 2), (0, 0), (_in(), *(("say", *each) for each in SAID), _out())),
    ((1, 2), (0, 0), (_in(), *(("note", ONE, each) for each in BAD), _out())),
    ((1, 2), (0, 0), (_in(TWO), *(("note", TWO, each) for each in BAD), _out(TWO))),
    ((1, 2), (0, 0), (_in(), ("jam", ONE, 12, True), ("jam", TWO, 12, True))),
    ((1, 2), (0, 0), (_in(bike=BIKES[2]), _out(bike=BIKES[2]))),
    ((2, 2), (0, 0), (_in(states="on_trip,reserved"),)),
    ((2, 2), (0, 0), (_in(), _out(states="on_trip,non_contactable"))),
)
SEEDS = range(len(STORIES) + 8)


def story(seed: int) -> tuple[tuple[int, int], tuple[int, int], tuple[Step, ...]]:
    """Return what happens under a seed; later ones are of chance."""
    if seed < len(STORIES):
        return STORIES[seed]
    draw = stream(seed, "story")
    versions = (1 + draw.randrange(2), 1 + draw.randrange(2))
    offsets = (draw.choice((0, 2, -5)), draw.choice((0, 2, -5)))
    return versions, offsets, tuple(_by_chance(draw))


def _by_chance(draw: Random) -> list[Step]:
    """Return steps in which bikes move between two rails, and lines go down and up."""
    steps: list[Step] = []
    place: dict[str, str] = {}
    for _ in range(8):
        bike, station = draw.choice(BIKES), draw.choice((ONE, TWO))
        if bike in place:
            last = draw.choice(("on_trip", "reserved,on_trip", "removed"))
            steps.append(("move", place.pop(bike), bike, last))
        else:
            last = draw.choice(("available", "on_trip,available", "non_operational"))
            steps.append(("move", station, bike, last))
            place[bike] = station
        chance = draw.random()
        if chance < 0.2:
            steps.append(("line", station, False))
        elif chance < 0.4:
            steps.append(("line", station, True))
        elif chance < 0.5:
            steps.append(("wait", HOURS))
        elif chance < 0.6:
            steps.append(("note", station, draw.choice(BAD)))
        elif chance < 0.7:
            steps.append(("upgrade", station))
    return steps


async def _open(world: Any, answer: Answer, seed: int, seen: _Seen) -> _Run:
    versions, offsets, _ = story(seed)
    rails = {
        station: Rail(station, version, offset, dict.fromkeys(range(1, CLAMPS + 1)))
        for station, version, offset in zip((ONE, TWO), versions, offsets, strict=True)
    }
    audit = Audit(dict.fromkeys(rails, CLAMPS))
    await world.serve("stations", _with_border(answer, seen))
    await world.serve("audit", _auditor(audit))
    await world.serve("stanchion", stanchion(seen.sent, rails))
    for station in rails:
        docks = [f"{station}-{n:02d}" for n in range(1, CLAMPS + 1)]
        address = f"http://stations/stations/{station}"
        await world.client("operator").put(address, json={"docks": docks})
    return _Run(world, seen, rails, audit)


async def _consequence(run: _Run) -> str:
    """Return what stations has wrong by now, in a sentence; "" if nothing."""
    for station, rail in run.rails.items():
        client = run.world.client("you")
        reply = await client.get(f"http://stations/stations/{station}")
        known = reply.json()
        for clamp, bike in rail.clamps.items():
            has = known["docks"].get(f"{station}-{clamp:02d}")
            if has != bike:
                return (
                    f"stations has {has or 'nothing'} in dock {station}-{clamp:02d},"
                    f" which holds {bike or 'nothing'}."
                )
        jammed = [f"{station}-{clamp:02d}" for clamp in rail.jammed]
        if sorted(known["jammed"]) != sorted(jammed):
            listed = ", ".join(known["jammed"]) or "no dock"
            return f"stations has {listed} as jammed; {len(jammed)} of {station} are."
        if len(known["docks"]) > CLAMPS or known["beside"]:
            return f"stations has docks at {station} that there are not."
    if run.audit.broken:
        return f"The audit says: {run.audit.broken[0]}."
    return ""


def attempt(answer: Answer, seed: int, without: Collection[str]) -> Trial:
    """Let things happen at the rails, and compare what stations makes of them."""
    seen = _Seen()

    async def scenario(world: Any) -> Complaint | None:
        run = await _open(world, answer, seed, seen)
        seen.begun = len(world.recording.messages)
        for number, (name, *rest) in enumerate(story(seed)[2]):
            key = f"step {number}: {name}"
            if key in without:
                continue
            seen.done.append(key)
            await ACTS[name](run, *rest)
            await world.clock.sleep(APART)
            if seen.failed is not None:
                break
        for station in run.rails:
            if not run.rails[station].line_up:
                await _line(run, station, True)
        await world.clock.sleep(QUIET if seen.failed is None else APART)
        return await _judged(run, answer)

    with untraced():
        trial = play(scenario, seed, without, until=100_000)
    recording = _told(trial.recording, seen.begun)
    return replace(trial, recording=recording, steps=tuple(seen.done))


def _told(recording: Recording, begun: int) -> Recording:
    """Return the part of a run that tells what moved, and what was sent of it."""
    about = {"rider", "truck", "operator", "stanchion", "stations"}
    kept = [m for m in recording.messages if {m.source, m.target} <= about]
    kept = [message for message in kept if message.id >= begun]
    names = {name for m in kept for name in (m.source, m.target)}
    traces = {message.trace_id for message in kept}
    return replace(
        recording,
        messages=kept,
        nodes=[member for member in recording.nodes if member.name in names],
        spans=[s for s in recording.spans if s.node in names and s.trace_id in traces],
    )


async def _judged(run: _Run, answer: Answer) -> Complaint | None:
    seen = run.seen
    if isinstance(seen.failed, StillToDo):
        raise seen.failed
    if isinstance(seen.failed, AnswerRaised) and seen.failed_on is not None:
        return _fell_over(seen.failed, seen.failed_on)
    if seen.failed is not None:
        raise seen.failed
    consequence = await _consequence(run)
    if not seen.misread:
        return Complaint("another-state", consequence, rank=2) if consequence else None
    first = seen.misread[0]
    name = first.misconception
    if name == "one-unit-for-both" and _guesses(answer):
        name = "guesses-by-size"
    if name == "reads-one-version" and not _reads_the_first(answer):
        name = "too-strict"
    begin = consequence or "stations is right all the same, this time."
    text = f"{begin} {first.said} {WHY[name]}"
    return Complaint(name, text, rank=0 if consequence else 1)


def _fell_over(failed: AnswerRaised, on: Misread) -> Complaint:
    text = (
        f"{failed.complaint.message} The message was {on.said}. stations answers 500,"
        " the rail sends it again and again, and everything behind it waits. What"
        " cannot be read is no error here: return it as Unreadable."
    )
    return Complaint("falls-over", text)


def _guesses(answer: Answer) -> bool:
    """Tell a guess by size from one unit for both versions, by two more messages."""
    right = 0
    for age in (2_000, 3 * 3_600_000):
        event = {**SAMPLE["events"][0], "lock": 7, "state": ["available"], "age": age}
        del event["clamp"]
        message = {**SAMPLE, "protocol": 2, "events": [event]}
        try:
            with traced():
                items = _items(answer(message))
        except Rejected:
            continue
        at = datetime.fromisoformat(SAMPLE["sent"]) - timedelta(milliseconds=age)
        right += any(
            not isinstance(item, Unreadable) and abs(item.at - at) < EXACT
            for item in items
        )
    return right == 1


def _reads_the_first(answer: Answer) -> bool:
    """Say whether an answer can read a message of version 1."""
    with traced():
        items = _items(answer(deepcopy(dict(SAMPLE))))
    return any(not isinstance(item, Unreadable) for item in items)


def judge(answer: Answer) -> Judgement:
    """Translate one message, then many in small worlds; harm is shown first."""
    new_run()
    _items(answer(deepcopy(dict(SAMPLE))))
    harmless: list[int] = []

    def harmful(seed: int, without: Collection[str]) -> Trial:
        trial = attempt(answer, seed, without)
        if trial.complaint is None or trial.complaint.rank == 0:
            return trial
        harmless.append(seed)
        return replace(trial, complaint=None)

    failing = worst(harmful, SEEDS)
    if failing is None and harmless:
        failing = worst(partial(attempt, answer), harmless[:1])
    return Judgement(
        failing,
        f"{len(SEEDS)} runs of two rails, in both versions, late, twice and with"
        " nonsense among it: stations knew where each bike was, and nothing was lost.",
    )


A_BORDER = Exercise(
    id="2.3",
    title="A border that holds",
    difficulty="hard",
    lab="02-words-and-borders",
    statement="""\
The city buys docks of a second vendor, Stanchion, whose *rails* hold bikes in *clamps*.
A rail sends messages such as this one, of version 1:

```python
{"protocol": 1, "rail": "LHV-S03", "sent": "2031-05-05T10:00:05+02:00", "events": [
    {"type": "vehicle", "clamp": 7, "vehicle": "LHV-B0212", "state": "available",
     "age": 5},
    {"type": "clamp", "clamp": 2, "state": "jammed", "age": 2}]}
```

`LHV-` stands before all names of this customer; behind it are those of the city's
stations and bikes, and clamp 7 of S03 is the city's dock `S03-07`.
An event has happened `age` seconds before it was `sent`, by the rail's own clock with
its offset from UTC.
A vehicle that is `available`, `reserved` or `non_operational` is held by its clamp, one
that is `on_trip` or `removed` has left it; a clamp is `jammed` or `ok`.
The release note of version 2 says:

> `clamp` is now called `lock`, in events of both types.
> `age` is in milliseconds.
> `state` is a list of what was gone through, oldest first; the last is what is.
> There are new fields, and there will be new types and states at any time.

Write `translate(message)`: a list with one item for each event, in order, in the city's
own words: `Docked`, `Taken` or `DockState` with aware times, or `Unreadable(why, said)`
(two texts) for what cannot be translated, which may be a whole message.
Nothing is raised and nothing is dropped, whatever comes.
The checker has bikes come and go at two rails that send either version, late, twice, in
batches and with nonsense among it, and asks stations where each bike is.
""",
    stub=(
        "def translate(message):\n"
        '    raise NotImplementedError("Exercise 2.3: a border to another vendor")\n'
    ),
    hints=(
        (
            "Read the head of the message first: what `protocol` says decides how the"
            " rest is read, and nothing else does. What if you do not know the number?"
        ),
        (
            "One function for the message and one for an event, each with a `try` of"
            " its own: what goes wrong in one event must not cost the others. `sent` is"
            " aware if you let `datetime.fromisoformat` read all of it; without an"
            " offset it is no instant."
        ),
        (
            "`at = sent - event['age'] * unit`, with a `timedelta` of a second or a"
            " millisecond; `state = event['state']`, in version 2 its last; the clamp"
            " is `event['clamp']` or `event['lock']`. Then four cases: a jam, a held"
            " vehicle, one that has gone, and everything else, which is Unreadable like"
            " whatever raised a `LookupError`, `TypeError`, `ValueError`,"
            " `AttributeError` or `OverflowError`."
        ),
    ),
    transfer=(
        (
            "A locker firm gets its couriers' reports from three carriers. One says"
            " `DELIVERED` when the van is unloaded, one when the parcel is in a"
            " compartment, one when the recipient has it. Where does the difference"
            " end, and what does the firm do with a fourth carrier's `DLVD2`?"
        ),
        (
            "At the border: one translation for each carrier, and behind them three"
            " words of the firm's own, *unloaded*, *stowed* and *collected*, so that no"
            " other code ever asks which carrier it was. What the fourth one means, a"
            " person has to ask; until then each `DLVD2` is kept, counted and shown to"
            " somebody, and no parcel is moved by it."
        ),
    ),
    call=Call("translate", ("message",)),
    judge=judge,
)
