"""Exercise 3.3: told or asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.ch03.dock import (
    EVENTS,
    AnomalyFound,
    BikeDocked,
    BikeTaken,
    BikeUnlocked,
    Dock,
    Docked,
    DockJammed,
    DockMended,
    Event,
    Jammed,
    Mended,
    Message,
    Report,
    Taken,
    Unlock,
)
from movingparts.check.ch03.refused import refuses
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.memory import Memory
from movingparts.check.search import Trial, play, worst
from movingparts.check.verdict import AnswerRaised, Complaint, Rejected
from movingparts.world.core import Node
from movingparts.world.core.random import Random, stream

BIKES = ("B7", "B8", "B9")
ONE = "One anomaly is enough: its reason says all that is odd."
REPLY = 0.005  # seconds in which the last reply arrives
DAY = 86_400.0  # seconds after which a run has ended


# --- what must hold -------------------------------------------------------------------


def judged(
    dock: Dock, message: Message, events: list[Event] | None
) -> Complaint | None:
    """Return what is wrong with the events of a message; None of them: refused."""
    if isinstance(message, Unlock):
        return _asked(dock, message, events)
    if events is None:
        text = (
            f"`handle` refused {said(message)}. It has happened, and no refusal undoes"
            " that: a report is taken down, whatever was known before."
        )
        return Complaint("refuses-reports", text)
    if message in dock.reports:
        return _again(message, events)
    after = _folded(dock, events)
    if dock.is_late(message):
        return _late(dock, message, events, after)
    facts = [event for event in events if not isinstance(event, AnomalyFound)]
    if facts not in _tellings(dock, message):
        return _not_believed(dock, message, events, after)
    return _wondered(dock, message, events)


def _asked(dock: Dock, command: Unlock, events: list[Event] | None) -> Complaint | None:
    """Return what is wrong with how a command was taken."""
    known = f"{_known(dock)}{' and was jammed' if dock.jammed else ''}"
    allowed = dock.bike is not None and not dock.jammed
    if allowed and events is None:
        text = f"Unlock was refused, and {known}: it can be carried out."
        return Complaint("turns-away", text, rank=1)
    if events is None:
        return None
    wondered = _anomalies(events)
    why = f": {shown(wondered[0].reason, 80)}" if wondered else ""
    if allowed:
        return _carried_out(command, str(dock.bike), events, f"{known}{why}")
    if wondered and len(wondered) == len(events):
        text = (
            f"Unlock cannot be carried out, for {known}, and an anomaly was noted{why}."
            " Nothing has happened, so there is nothing to note: raise `Refused`."
        )
        return Complaint("anomaly-for-a-refusal", text)
    text = f"Of Unlock came {_listed(events)}, and {known}: raise `Refused`, which"
    text += " tells whoever asked that nothing has happened, and why."
    reason = "never-refuses" if events else "refuses-in-silence"
    return Complaint(reason, text)


def _carried_out(
    command: Unlock, bike: str, events: list[Event], known: str
) -> Complaint | None:
    """Return what is wrong with a command that could be carried out, and was."""
    if events == [BikeUnlocked(bike, command.at)]:
        return None
    text = f"Of Unlock came {_listed(events)}, and {known}."
    if _anomalies(events):
        text += " A command is carried out or refused; reports are what may be odd."
        return Complaint("accepts-and-wonders", text)
    return Complaint("wrong-event", f"{text} One BikeUnlocked is what comes of it.")


def _again(report: Report, events: list[Event]) -> Complaint | None:
    """Return what is wrong with how a report was taken that is told again."""
    if not events:
        return None
    text = (
        f"{said(report)} was reported before, and again {_listed(events)} came of it."
        " What is told twice is told once: look whether it is in `dock.reports`."
    )
    return Complaint("told-twice", text)


def _wondered(dock: Dock, report: Report, events: list[Event]) -> Complaint | None:
    """Return what is wrong with the anomalies of a report that is believed."""
    anomalies = _anomalies(events)
    text = f"{said(report)} was reported, and {_known(dock)} by what was known"
    if _contradicts(dock, report) and not anomalies:
        text += (
            ". You believe it without a word; add an `AnomalyFound` that says what does"
            " not go together, or nobody will look for what went missing in between."
        )
        return Complaint("swallows-contradictions", text)
    if anomalies and not _is_odd(dock, report):
        why = shown(anomalies[0].reason, 80)
        text += f". That goes together, and yet an anomaly was noted: {why}."
        return Complaint("cries-wolf", text)
    text = f"{said(report)} was reported, and of it came {_listed(events)}."
    if len(anomalies) > 1:
        return Complaint("wonders-twice", f"{text} {ONE}")
    if anomalies and events[-1] != anomalies[0]:
        text += " What has happened comes first, and behind it what is odd about it."
        return Complaint("wonders-first", text)
    return None


def _late(
    dock: Dock, report: Report, events: list[Event], after: Dock
) -> Complaint | None:
    known_at = dock.bike_known_at if _is_of_bike(report) else dock.jam_known_at
    text = f"{said(report)} was reported after a report of {known_at:%H:%M:%S} about it"
    if after != dock:
        text += ", and now it is believed. What is true is what was true last, not what"
        text += " was said last: the later report stays, and this one is an anomaly."
        return Complaint("believes-what-came-last", text)
    if not events:
        text += ", and no event tells that there was one. Late is a fact too: note an"
        text += " `AnomalyFound`."
        return Complaint("drops-the-late", text)
    if not all(isinstance(event, AnomalyFound) for event in events):
        return Complaint("wrong-event", f"{text}, and of it came {_listed(events)}.")
    if len(events) > 1:
        text += f", and of it came {_listed(events)}. {ONE}"
        return Complaint("wonders-twice", text)
    return None


def _not_believed(
    dock: Dock, report: Report, events: list[Event], after: Dock
) -> Complaint:
    text = f"{said(report)} was reported, and {_known(dock)} by what was known"
    if not events:
        text += "; no event came of it. Each report leaves a trace."
        return Complaint("drops-reports", text)
    if after == dock:
        text += f": only {_listed(events)} came of it, and the old belief stays."
        text += " The dock has seen it, you have not: believe the later report."
        return Complaint("keeps-its-belief", text)
    of_it, own = _spelled(events), _spelled([_event_of(report)])
    text += f"; of it came {of_it}. What it says is {own}, and that once."
    return Complaint("wrong-event", text)


def _folded(dock: Dock, events: list[Event]) -> Dock:
    for event in events:
        dock = dock.after(event)
    return dock


def _event_of(report: Report) -> Event:
    """Return the event that says what a report says."""
    match report:
        case Docked(bike, at):
            return BikeDocked(bike, at)
        case Taken(bike, at):
            return BikeTaken(bike, at)
        case Jammed(at):
            return DockJammed(at)
        case Mended(at):
            return DockMended(at)


def _tellings(dock: Dock, report: Report) -> list[list[Event]]:
    """Return in which ways one may say what a report says, anomalies aside.

    A bike that is in the way may leave first.
    """
    own = _event_of(report)
    if isinstance(report, Docked) and dock.bike not in {None, report.bike}:
        return [[own], [BikeTaken(str(dock.bike), report.at), own]]
    return [[own]]


def _is_of_bike(report: Report) -> bool:
    return isinstance(report, Docked | Taken)


def _contradicts(dock: Dock, report: Report) -> bool:
    """Say whether what is known cannot have been, if this is."""
    match report:
        case Docked(bike, _):
            return dock.bike not in {None, bike}
        case Taken(bike, _):
            return dock.bike != bike
    return False


def _is_odd(dock: Dock, report: Report) -> bool:
    """Say whether one may wonder about a report, or must."""
    match report:
        case Docked(bike, _):
            return dock.bike is not None or dock.jammed
        case Taken(bike, _):
            return dock.bike != bike or dock.jammed
        case Jammed():
            return dock.jammed
        case Mended():
            return not dock.jammed


def said(message: Message) -> str:
    """Return a message in words."""
    bike = f" {message.bike}" if isinstance(message, Docked | Taken) else ""
    return f"{type(message).__name__}{bike} of {message.at:%H:%M:%S}"


def _known(dock: Dock) -> str:
    return "the dock was empty" if dock.bike is None else f"the dock held {dock.bike}"


def _anomalies(events: list[Event]) -> list[AnomalyFound]:
    return [event for event in events if isinstance(event, AnomalyFound)]


def _listed(events: list[Event]) -> str:
    names = [type(event).__name__ for event in events]
    return " and ".join(names) or "nothing"


def _spelled(events: list[Event]) -> str:
    """Return events in words, with their bikes."""
    return " and ".join(
        f"{type(event).__name__} {getattr(event, 'bike', '')}".strip()
        for event in events
    )


# --- what is tried --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """Something that the dock sees, or that an app asks for, and how that gets there.

    `at` is in seconds. `fate` is how a report comes: "lost", "late", "twice", or "".
    """

    number: int
    what: str
    bike: str
    at: float
    fate: str = ""
    delay: float = 0.0

    def message(self, at: datetime) -> Message:
        """Return it as it is told or asked at that time."""
        match self.what:
            case "docked":
                return Docked(self.bike, at)
            case "taken":
                return Taken(self.bike, at)
            case "jammed":
                return Jammed(at)
            case "mended":
                return Mended(at)
        return Unlock(at)

    @property
    def path(self) -> str:
        """Where it is sent."""
        return f"{self.what}/{self.bike}" if self.bike else self.what


STORIES = (
    (  # another bike is taken than was known to be there
        Item(0, "docked", "B7", 2.0),
        Item(1, "taken", "B7", 9.0, "lost"),
        Item(2, "docked", "B8", 15.0, "lost"),
        Item(3, "taken", "B8", 22.0),
    ),
    (  # a bike is pushed in so hard that the dock jams at once
        Item(0, "docked", "B7", 2.0),
        Item(1, "jammed", "", 2.0),
    ),
)
SEEDS = range(60 + len(STORIES))


def plan(seed: int) -> list[Item]:
    """Return what happens at a dock and what is asked of it, and the reports' fates."""
    if seed >= SEEDS.stop - len(STORIES):
        return list(STORIES[seed - SEEDS.stop])
    rng = stream(seed, "dock")
    items: list[Item] = []
    bike, jammed, at = "", False, 1.0
    for number in range(3 + seed // 8):
        at += 1.0 + 9.0 * rng.random()
        what = rng.choice(("bike", "bike", "bike", "jam", "unlock", "unlock"))
        if what == "bike":
            what, told = ("taken", bike) if bike else ("docked", rng.choice(BIKES))
            bike = "" if bike else told
            items.append(Item(number, what, told, at, *_fate(rng)))
        elif what == "jam":
            jammed = not jammed
            what = "jammed" if jammed else "mended"
            items.append(Item(number, what, "", at, *_fate(rng)))
        else:
            items.append(Item(number, "unlock", "", at))
    return items


def _fate(rng: Random) -> tuple[str, float]:
    fate = rng.choice(("", "", "", "lost", "late", "twice"))
    return fate, 4.0 + 16.0 * rng.random()


@dataclass(slots=True)
class _Run:
    """One run: what is known of the dock, what was told, and what was wrong first."""

    answer: Answer
    memory: Memory
    dock: Dock
    ended: asyncio.Event
    complaint: Complaint | None = None
    failed: BaseException | None = None
    begun: list[str] = field(default_factory=list)

    def learn(
        self, message: Message, events: list[Event], complaint: Complaint | None
    ) -> None:
        """Take down what was heard; the first complaint ends the run."""
        if complaint is not None:
            self.complaint = self.complaint or complaint
            self.ended.set()
            return
        dock = _folded(self.dock, events)
        if not isinstance(message, Unlock) and message not in dock.reports:
            dock = replace(dock, reports=(*dock.reports, message))
        self.dock = dock


def attempt(
    answer: Answer, memory: Memory, seed: int, without: Collection[str]
) -> Trial:
    """Tell and ask about a dock, without some of it; return what is wrong first."""
    run = _Run(answer, memory, Dock(), asyncio.Event())

    async def scenario(world: Any) -> Complaint | None:
        items = [item for item in plan(seed) if f"{item.number}" not in without]
        await world.serve("stations", partial(_stations, world, run, items))
        world.node("city").tasks.create_task(_happens(world, run, items, without))
        await run.ended.wait()
        await world.clock.sleep(REPLY)
        if run.failed is not None:
            raise run.failed
        return run.complaint

    try:
        trial = play(scenario, seed, without, until=DAY)
    finally:
        memory.forget()
    return replace(trial, steps=tuple(run.begun))


async def _happens(
    world: Any, run: _Run, items: list[Item], without: Collection[str]
) -> None:
    tasks = []
    for item in items:
        await world.clock.sleep(max(0.0, item.at - world.clock.monotonic()))
        run.begun.append(f"{item.number}")
        fault, fate = f"{item.number} {item.fate}", item.fate
        if fault in without:
            fate = ""
        if fate:
            text = f"{item.path} is reported {fate}"
            world.network.recorder.fault(fault, world.clock.time_us(), text)
        tell = _told(world, item, fate)
        tasks.append(world.node("city").tasks.create_task(tell))
    for task in tasks:
        await task
    run.ended.set()


async def _told(world: Any, item: Item, fate: str) -> None:
    caller = "app" if item.what == "unlock" else "dock"
    now, asked = world.clock.time_us(), {"item": f"{item.number}"}
    asked["at"] = world.clock.now().isoformat()
    if fate == "lost":
        label = f"POST /{item.path}"
        world.network.recorder.message(
            "request", caller, "stations", label=label, sent_us=now, fate="lost"
        )
        return
    for wait in {"late": [item.delay], "twice": [0.0, item.delay]}.get(fate, [0.0]):
        await world.clock.sleep(wait)
        client = world.client(caller, timeout=None)
        await client.post(f"http://stations/{item.path}", params=asked)


def _stations(world: Any, run: _Run, items: list[Item], node: Node) -> Starlette:
    """Serve the answer: it hears each message as it comes."""
    messages = {f"{item.number}": item.message for item in items}

    async def hear(request: Request) -> JSONResponse:
        asked = request.query_params
        message = messages[asked["item"]](datetime.fromisoformat(asked["at"]))
        try:
            run.memory.forget()  # another process may hear the next message
            events = _handled(run.answer, run.dock, message)
            complaint = judged(run.dock, message, events)
        except BaseException as error:  # noqa: BLE001  # the checker's, not the app's
            run.failed = error
            run.ended.set()
            return JSONResponse(None, 503)
        text = "refused" if events is None else _listed(events)
        at = world.clock.time_us()
        world.network.recorder.moment(at, "note", (node.name,), text)
        run.learn(message, events or [], complaint)
        return JSONResponse(None, 409 if events is None else 200)

    return Starlette(routes=[Route("/{what:path}", hear, methods=["POST"])])


def _handled(answer: Answer, dock: Dock, message: Message) -> list[Event] | None:
    """Return the events that an answer makes of a message; None where it refuses."""
    try:
        events = answer(replace(dock), replace(message))
    except AnswerRaised as raised:
        if refuses(raised):
            return None
        if isinstance(message, Unlock) or not isinstance(raised.error, ValueError):
            raise
        return None
    if type(events) not in {list, tuple} or not all(_is_event(each) for each in events):
        text = f"`handle` returned {shown(events)} for {said(message)}; it returns a"
        raise Rejected("garbage", f"{text} list of events, which may be empty.")
    strange = [event for event in events if event.at != message.at]
    if strange:
        text = (
            f"`handle` returned a {type(strange[0]).__name__} for {said(message)}, at"
            f" another time: {shown(strange[0].at)}. It has the time of its message."
        )
        raise Rejected("another-time", text)
    return list(events)


def _is_event(value: Any) -> bool:
    """Say whether it is an event with whatever such an event has in it."""
    if type(value) not in EVENTS or type(value.at) is not datetime:
        return False
    if isinstance(value, AnomalyFound):
        return type(value.reason) is str and value.reason != ""
    return type(getattr(value, "bike", "")) is str


def judge(answer: Answer) -> Judgement:
    """Tell of docks that are late, mute, that repeat themselves or contradict."""
    memory = Memory(answer.function)
    failing = worst(lambda s, left_out: attempt(answer, memory, s, left_out), SEEDS)
    return Judgement(
        failing,
        f"{len(SEEDS)} stories of a dock, with reports that were lost, late or told"
        " twice: each left a trace, the latest was believed, and what was refused left"
        " none.",
    )


TOLD = Exercise(
    id="3.3",
    title="Told or asked",
    difficulty="medium",
    lab="03-rules-inside",
    statement=(
        "Write `handle(dock, message)`, which returns a list of events. `dock` is what"
        " is known: `bike` (None if it is empty), `jammed`, the `reports` so far, and"
        " `is_late(report)`, whether a later report of the same is known. Keep nothing"
        " else in mind: each message may meet another process. `Unlock(at)` is a"
        " command: `BikeUnlocked(bike, at)` comes of it, or it is refused if the dock"
        " is jammed or empty, by raising `Refused`. `Docked(bike, at)`, `Taken(bike,"
        " at)`, `Jammed(at)` and `Mended(at)` are reports, and a report is never"
        " refused. It is believed: `BikeDocked`, `BikeTaken`, `DockJammed` or"
        " `DockMended`, with the same arguments. If another bike was known to be in the"
        " dock, or none was that is taken, one `AnomalyFound(reason, at)` comes behind"
        " it. You may note one as well where a report says what was known already, or"
        " where a bike comes or goes while the dock is jammed, and nowhere else. A late"
        " report is not believed: one `AnomalyFound` comes of it, and no other event."
        " Of a report that is told again nothing comes at all."
    ),
    stub=(
        "def handle(dock, message):\n"
        '    raise NotImplementedError("Exercise 3.3: refuse, believe or wonder")\n'
    ),
    hints=(
        (
            "Sort the five messages first: which of them can you still prevent, and"
            " which have happened already when you hear of them?"
        ),
        (
            "Take the command first, and be done with it. For a report there are four"
            " questions in order: was it told before, is it late, what does it say, and"
            " does that go together with `dock.bike`?"
        ),
        (
            "`if message in dock.reports: return []`; then `if dock.is_late(message):"
            ' return [AnomalyFound("a later report is known", message.at)]`; then the'
            " report's own event, and behind it an anomaly if `dock.bike` is neither"
            " None nor the bike that is docked, or is not the bike that is taken."
        ),
    ),
    transfer=(
        (
            "A restaurant tells a delivery service *order 17 is cooked*. By what the"
            " service knows, order 17 was canceled a minute ago. Is that message to be"
            " refused? And the courier's *may I pick up order 17*?"
        ),
        (
            "The first is a report: the food stands there, and no answer makes it raw"
            " again. Note that it is cooked, and the contradiction beside it, so that"
            " somebody decides what becomes of it. The second is a command: refuse it,"
            " and nothing has happened."
        ),
    ),
    call=Call("handle", ("dock", "message")),
    judge=judge,
)
