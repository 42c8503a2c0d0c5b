"""The exercises of chapter 02: what wrong answers believe, and what is right as well.

That stubs are still to do and solutions pass in the lab holds for every chapter's
exercises: test_every_exercise.py, which also counts the wrong answers of `WRONG`.
"""

import itertools
import json
import os
import runpy
import subprocess
import sys
from collections import UserDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest

from movingparts.check import check, exercises
from movingparts.check.answer import Answer
from movingparts.check.ch02 import border, change, sorting, stories, systems, words
from movingparts.check.ch02.beliefs import THEORIES, Facts
from movingparts.check.ch02.lockers import LOCKERS, PARCELS
from movingparts.check.ch02.wall import LARKHAVEN
from movingparts.city.contexts import facts
from movingparts.city.contracts import events
from movingparts.city.larkhaven import CONTEXTS
from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.acl import translate as docklink_translate
from movingparts.city.stations.model import Docked, DockState, Taken
from movingparts.city.stormed import WALL, as_built
from movingparts.draw import sequence
from movingparts.storming import Crossing

REPOSITORY = Path(__file__).parents[2]
SOLUTIONS = REPOSITORY / "labs" / "solutions" / "02-words-and-borders.py"
EXERCISES = {exercise.id: exercise for exercise in exercises(2)}
RIGHT_NAMES = runpy.run_path(str(SOLUTIONS))


def solution(exercise_id):
    """Return the model answer."""
    return RIGHT_NAMES[EXERCISES[exercise_id].call.name]


@cache
def checked(exercise_id, answer):
    """Check an answer once for all tests that look at its verdict."""
    return check(exercise_id, answer)


# --- 2.1: six words ------------------------------------------------------------------


def but(**otherwise):
    """Answer as the solution does, but for some contexts."""

    def available(events, now):
        said = solution("2.1")(events, now)
        facts = Facts.of(events, now)
        return {**said, **{name: says(facts) for name, says in otherwise.items()}}

    return available


def one_flag(events, now):
    said = solution("2.1")(events, now)
    return dict.fromkeys(said, said["availability"])


def yes_to_all(events, now):
    return dict.fromkeys(stories.WORDS, True)


def docked_is_all_there_is(events, now):
    said = solution("2.1")(events, now)
    return {**said, "availability": said["stations"], "rides": said["stations"]}


def all_that_was_ever_seen(events, now, seen=[]):  # noqa: B006  # the point of it
    seen += events
    return solution("2.1")(seen, now)


def counting_calls(events, now):
    turn = next(turns())
    return {word: (turn + place) % 3 > 0 for place, word in enumerate(stories.WORDS)}


@cache
def turns():
    return itertools.count()


def by_chance(events, now):
    import random

    return {word: random.random() < 0.5 for word in stories.WORDS}


def eats_its_events(events, now):
    said = solution("2.1")(events, now)
    for _, data in events:
        data.clear()
    events.clear()
    return said


class Word(StrEnum):
    STATIONS = "stations"
    RIDES = "rides"
    FLEET = "fleet"
    AVAILABILITY = "availability"
    RIDERS = "riders"
    BILLING = "billing"


def by_enum(events, now):
    said = solution("2.1")(events, now)
    return defaultdict(bool, {word: said[word.value] for word in Word})


def from_behind(events, now):
    """Look at the last event of each kind, and never fold."""
    told = {}
    for name, data in events:
        told[name] = data
        if name == "stations.bike-docked":
            told.pop("stations.bike-left", None)
            told.pop("stations.dock-changed", None)
        for over, begun in (
            ("rides.ride-ended", "rides.ride-started"),
            ("billing.fare-charged", "billing.payment-authorized"),
            ("rides.ride-cancelled", "billing.payment-authorized"),
            ("availability.reservation-closed", "availability.bike-reserved"),
            ("stations.bike-left", "stations.bike-docked"),
        ):
            if name == over:
                told.pop(begun, None)
    dock = told.get("stations.bike-docked", {}).get("dock_id")
    locked = dock is not None and not told.get("stations.dock-changed", {}).get(
        "jammed"
    )
    promise = told.get("availability.bike-reserved")
    held = promise is not None and now < datetime.fromisoformat(promise["until"])
    fit = told["fleet.condition-changed"]["vehicle_state"] == "available"
    return {
        "stations": locked,
        "rides": "rides.ride-started" not in told,
        "fleet": fit,
        "availability": locked and fit and not held,
        "riders": told["riders.standing-changed"]["standing"] == "good",
        "billing": "billing.payment-authorized" in told,
    }


# --- 2.2: sort the wall --------------------------------------------------------------


def at_once(board):
    """Return the groups that rules which hold at once keep together."""
    groups = {card.name: {card.name} for card in board.events}
    for rule in board.rules:
        if rule.at_once:
            whole = set.union(*(groups[event] for event in rule.events))
            groups.update(dict.fromkeys(whole, whole))
    return groups


def as_few_as_needed(board):
    return {event: min(group) for event, group in at_once(board).items()}


def as_the_code_has_it(board):
    return as_built()


def with_another(**elsewhere):
    """Sort as the solution does, but for some events."""

    def sort(board):
        return {**solution("2.2")(board), **elsewhere}

    return sort


def everything_in_one(board):
    return {card.name: "bike share" for card in board.events}


def each_alone(board):
    return {card.name: card.name for card in board.events}


def before_during_after(board):
    names = [card.name for card in board.events]
    cuts = ("before", "during", "after")
    return {name: cuts[3 * place // len(names)] for place, name in enumerate(names)}


def by_noun(board):
    nouns = ("Bike", "Rider", "Ride", "Reservation", "Payment")
    return {
        card.name: next((n for n in nouns if card.name.startswith(n)), "other")
        for card in board.events
    }


def by_word(board):
    return {
        card.name: "available" if "available" in card.words else card.name
        for card in board.events
    }


def what_goes_wrong(board):
    bad = ("ReservationExpired", "PaymentDeclined")
    bad += ("RiderSuspended", "BikeReportedFaulty")
    return {**solution("2.2")(board), **dict.fromkeys(bad, "problems")}


def forgets_some(board):
    return dict(list(solution("2.2")(board).items())[3:])


def sorts_a_command(board):
    return {**solution("2.2")(board), "Reserve": "promises"}


def misspells(board):
    found = solution("2.2")(board)
    found["BikeDoked"] = found.pop("BikeDocked")
    return found


def washes_the_words_away(board):
    """Change the board that it was given, so that no word clashes."""
    for card in board.cards:
        card.words.clear()
    for rule in board.rules:
        object.__setattr__(rule, "events", rule.events[:1])
    return everything_in_one(board)


def washes_the_wall_itself(board):
    kept = [dict(card.words) for card in WALL.cards]
    for card in WALL.cards:
        card.words.clear()
    try:
        return everything_in_one(board)
    finally:
        for card, words in zip(WALL.cards, kept, strict=True):
            card.words.update(words)


def odd_names(board):
    """Names that no service can have: all the same to a machine, and told apart."""
    found = solution("2.2")(board)
    names = sorted(set(found.values()))
    return {name: "¡" * (1 + names.index(context)) for name, context in found.items()}


def odd_names_and_torn(board):
    found = odd_names(board)
    return {**found, "BikeDocked": "{first} \n <b>" + "x" * 10_000}


# --- 2.3: a border that holds --------------------------------------------------------

UNIT = {1: timedelta(seconds=1), 2: timedelta(milliseconds=1)}
HELD, GONE = ("available", "reserved", "non_operational"), ("on_trip", "removed")
ODD = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


def by_the_version(version, age):
    return age * UNIT[version]


def last_state(version, state):
    return state if version == 1 else state[-1]


def identity(sent):
    return sent


@dataclass(frozen=True)
class Border:
    """A border of which one thing at a time may be wrong."""

    unit: Callable = by_the_version
    state: Callable = last_state
    clock: Callable = identity
    unread: str = "kept"
    prefix: str = "LHV-"
    held: tuple = HELD
    gone: tuple | None = GONE
    versions: tuple = (1, 2)
    ages: bool = True
    spoils: bool = False

    def __call__(self, message):
        try:
            version, station, sent, events = self.head(message)
        except ODD as error:
            return self.unreadable(error)
        items = []
        for event in events:
            try:
                items.append(self.one(version, station, sent, event))
            except ODD as error:
                if self.spoils:
                    return self.unreadable(error) * len(events)
                items += self.unreadable(error)
        return items

    def head(self, message):
        version, sent = message["protocol"], datetime.fromisoformat(message["sent"])
        if version not in self.versions or sent.utcoffset() is None:
            raise ValueError(version)
        if not isinstance(message["events"], list):
            raise TypeError("events")
        station = message["rail"].removeprefix(self.prefix)
        return version, station, self.clock(sent), message["events"]

    def one(self, version, station, sent, event):
        at = sent - self.unit(version, event["age"]) if self.ages else sent
        state, clamp = self.state(version, event["state"]), event.get("clamp")
        dock = f"{station}-{event['lock'] if clamp is None else clamp:02d}"
        if event["type"] == "clamp":
            return DockState(station, dock, {"jammed": True, "ok": False}[state], at)
        bike = event["vehicle"].removeprefix(self.prefix)
        if event["type"] == "vehicle" and state in self.held:
            return Docked(bike, station, dock, at)
        if event["type"] == "vehicle" and (self.gone is None or state in self.gone):
            return Taken(bike, station, at)
        raise ValueError(state)

    def unreadable(self, error):
        if self.unread == "raised":
            raise error
        return [Unreadable(str(error), "")] if self.unread == "kept" else []


def small_is_seconds(version, age):
    return timedelta(seconds=age) if age < 5_000 else timedelta(milliseconds=age)


def seconds_for_both(version, age):
    return timedelta(seconds=age)


def remembers_what_it_read(message, seen=set()):  # noqa: B006  # the point of it
    key = json.dumps(message, sort_keys=True)
    if key in seen:
        return []
    seen.add(key)
    return solution("2.3")(message)


def in_a_tuple(message):
    return tuple(solution("2.3")(message))


def to_the_second(message):
    return [
        each
        if isinstance(each, Unreadable)
        else replace(each, at=each.at.astimezone(UTC).replace(microsecond=0))
        for each in solution("2.3")(message)
    ]


def without_docks(message):
    return [
        replace(each, dock_id="S01-1") if isinstance(each, Docked) else each
        for each in solution("2.3")(message)
    ]


def twice_each(message):
    return [each for each in solution("2.3")(message) for _ in range(2)]


def spoils_its_message(message):
    items = solution("2.3")(message)
    if isinstance(message, dict):
        message.clear()
    return items


def each_event_of_a_bad_head(message):
    """Return as many items as there are events where none of them can be read."""
    items = solution("2.3")(message)
    events = message.get("events") if isinstance(message, dict) else None
    whole = len(items) == 1 and isinstance(items[0], Unreadable)
    return items * len(events) if whole and isinstance(events, list) else items


def dictionaries(message):
    return [{"bike_id": "B0212", "station_id": "S01"}]


def numbers_for_ids(message):
    return [Docked(212, "S01", "S01-01", datetime(2031, 5, 5, 8, tzinfo=UTC))]


# --- 2.4: who must change? -----------------------------------------------------------


def held(name):
    """Answer as a theory says."""
    theory = next(each for each in change.THEORIES if each.name == name)

    def must_change(contexts, readings, changed):
        readers = dict.fromkeys(readings)
        system = systems.System("", tuple(contexts), readers, {}, readings)
        true = frozenset(solution("2.4")(contexts, readings, changed))
        return theory.says(change.Question(system, changed, true))

    return must_change


def everybody_who_reads(contexts, readings, changed):
    return {
        context.name
        for context in contexts
        if changed.contract in context.reads
        and changed.contract not in context.publishes
    }


def everybody_below(contexts, readings, changed):
    [told_by] = [c for c in contexts if changed.contract in c.publishes]
    return {
        context.name
        for context in contexts
        if context is not told_by
        and (
            set(told_by.publishes) & set(context.reads) or told_by.name in context.calls
        )
    }


def tells_the_teller(contexts, readings, changed):
    [told_by] = [c.name for c in contexts if changed.contract in c.publishes]
    return solution("2.4")(contexts, readings, changed) | {told_by}


def reads_its_own(contexts, readings, changed):
    if changed.kind == "added":
        return set()
    return {
        name
        for (name, contract), fields in readings.items()
        if contract == changed.contract
        if changed.kind == "withdrawn" or changed.field in fields
    }


def spares_conformists(contexts, readings, changed):
    conform = {c.name for c in contexts if c.takes(changed.contract) == "CF"}
    return solution("2.4")(contexts, readings, changed) - conform


def larkhaven_by_heart(contexts, readings, changed):
    known = systems.the_city()
    if len(readings) == len(known.readings):
        return known.must_change(changed)
    return set()


def as_a_list(contexts, readings, changed):
    return sorted(solution("2.4")(contexts, readings, changed)) * 2


def by_experiment(contexts, readings, changed):
    """Make an event of what is read of it, change it, and see what is missing."""
    fields = {
        f for (_, c), read in readings.items() if c == changed.contract for f in read
    }
    before = dict.fromkeys(fields, "text")
    after = changed.made(before) if changed.field in before else before
    after = None if changed.kind == "withdrawn" else after
    own = {c.name for c in contexts if changed.contract in c.publishes}
    return frozenset(
        name
        for (name, contract), read in readings.items()
        if contract == changed.contract and name not in own
        if after is None or [before[f] for f in read] != [after.get(f) for f in read]
    )


def wrecks_the_facts(contexts, readings, changed):
    found = solution("2.4")(contexts, readings, changed)
    contexts.clear()
    readings.clear()
    object.__setattr__(changed, "kind", "added")
    return found


def names_a_stranger(contexts, readings, changed):
    return {"marketing"}


# --- 2.5: parcel lockers -------------------------------------------------------------


def parcels_with(**elsewhere):
    def sort_parcels(board):
        return {**solution("2.5")(board), **elsewhere}

    return sort_parcels


def bikes_carried_over(board):
    """Sort what sounds alike as the bikes were sorted."""
    return {
        **dict.fromkeys(
            ("CompartmentReserved", "ReservationExpired", "ParcelCollected"), "promises"
        ),
        **dict.fromkeys(("DoorOpened", "DoorShut", "CompartmentReleased"), "docks"),
        **dict.fromkeys(("ParcelAnnounced", "ParcelStowed", "ParcelReturned"), "rides"),
        **dict.fromkeys(("CodeSent", "CodeExpired"), "riders"),
        **dict.fromkeys(("DeliveryCharged", "DeliveryCredited"), "billing"),
        **dict.fromkeys(("ShopOpened", "ShopClosed"), "fleet"),
    }


def parcels_by_noun(board):
    nouns = ("Parcel", "Door", "Compartment", "Code", "Delivery", "Shop")
    return {
        card.name: next((n for n in nouns if card.name.startswith(n)), "other")
        for card in board.events
    }


def what_is_open(board):
    found = solution("2.5")(board)
    opening = ("DoorOpened", "DoorShut", "ShopOpened", "ShopClosed")
    return {**found, **dict.fromkeys(opening, "opening")}


def at_the_locker(board):
    here = ("DoorOpened", "DoorShut", "ParcelStowed", "ParcelCollected")
    return {**as_few_as_needed(board), **dict.fromkeys(here, "locker")}


WRONG = [
    ("2.1", one_flag, "one-flag-for-all"),
    ("2.1", yes_to_all, "one-flag-for-all"),
    ("2.1", docked_is_all_there_is, "docked-means-promisable"),
    ("2.1", all_that_was_ever_seen, "keeps-between-calls"),
    ("2.1", counting_calls, "keeps-between-calls"),
    ("2.1", by_chance, "keeps-between-calls"),
    *(
        ("2.1", but(**{context: theory.says}), theory.name)
        for context, theories in THEORIES.items()
        for theory in theories
    ),
    ("2.2", everything_in_one, "one-context-for-everything"),
    ("2.2", each_alone, "one-context-per-event"),
    ("2.2", before_during_after, "by-the-clock"),
    ("2.2", by_noun, "everything-about-the-bike"),
    ("2.2", by_word, "same-word-same-context"),
    ("2.2", what_goes_wrong, "what-goes-wrong-apart"),
    ("2.2", with_another(FareCharged="trips"), "torn-rule"),
    ("2.2", with_another(RideStarted="docks", RideEnded="docks"), "two-meanings"),
    ("2.2", forgets_some, "unsorted"),
    ("2.2", sorts_a_command, "unknown-event"),
    ("2.2", misspells, "unknown-event"),
    ("2.2", washes_the_words_away, "one-context-for-everything"),
    ("2.2", washes_the_wall_itself, "one-context-for-everything"),
    ("2.2", odd_names_and_torn, "torn-rule"),
    ("2.3", Border(unit=small_is_seconds), "guesses-by-size"),
    ("2.3", Border(unit=seconds_for_both), "one-unit-for-both"),
    ("2.3", Border(unread="dropped"), "drops-what-it-does-not-know"),
    ("2.3", Border(unread="raised"), "falls-over"),
    ("2.3", Border(state=lambda v, s: s if v == 1 else s[0]), "first-of-the-list"),
    ("2.3", Border(prefix="-"), "passes-their-words-on"),
    ("2.3", Border(clock=lambda s: s.replace(tzinfo=UTC)), "drops-the-time-zone"),
    ("2.3", Border(clock=lambda s: s.replace(tzinfo=None)), "no-time-zone"),
    ("2.3", Border(held=HELD[:1], gone=None), "their-available-is-ours"),
    ("2.3", Border(held=HELD[:1]), "their-available-is-ours"),
    ("2.3", Border(versions=(1,)), "reads-one-version"),
    ("2.3", Border(gone=None), "guesses-the-unknown"),
    ("2.3", Border(spoils=True), "one-bad-event-spoils-all"),
    ("2.3", Border(ages=False), "sent-is-not-happened"),
    ("2.3", docklink_translate, "too-strict"),
    ("2.3", remembers_what_it_read, "loses-reports"),
    ("2.3", without_docks, "other-names"),
    ("2.3", twice_each, "more-than-was-said"),
    ("2.3", dictionaries, "garbage"),
    ("2.3", numbers_for_ids, "garbage"),
    *(("2.4", held(each.name), each.name) for each in change.THEORIES),
    ("2.4", everybody_who_reads, "whoever-reads-the-contract"),
    ("2.4", everybody_below, "everybody-downstream"),
    ("2.4", tells_the_teller, "the-publisher-too"),
    ("2.4", reads_its_own, "the-publisher-too"),
    ("2.4", spares_conformists, "a-conformist-is-safe"),
    ("2.4", larkhaven_by_heart, "nobody"),
    ("2.4", names_a_stranger, "garbage"),
    ("2.5", everything_in_one, "one-context-for-everything"),
    ("2.5", each_alone, "one-context-per-event"),
    ("2.5", before_during_after, "by-the-clock"),
    ("2.5", bikes_carried_over, "carried-over"),
    ("2.5", parcels_by_noun, "everything-about-the-parcel"),
    ("2.5", what_is_open, "same-word-same-context"),
    ("2.5", at_the_locker, "what-happens-at-the-locker"),
    ("2.5", parcels_with(CodeExpired="merchants"), "torn-rule"),
    (
        "2.5",
        parcels_with(DeliveryCharged="pick-up", DeliveryCredited="pick-up"),
        "two-meanings",
    ),
    ("2.5", solution("2.2"), "unknown-event"),
]
RIGHT = [
    *((exercise_id, solution(exercise_id)) for exercise_id in EXERCISES),
    ("2.1", from_behind),
    ("2.1", by_enum),
    ("2.1", eats_its_events),
    ("2.2", as_the_code_has_it),
    ("2.2", as_few_as_needed),
    ("2.2", with_another(BikesMoved="promises", RebalancingWanted="promises")),
    ("2.2", odd_names),
    ("2.3", Border()),
    ("2.3", in_a_tuple),
    ("2.3", each_event_of_a_bad_head),
    ("2.3", to_the_second),
    ("2.3", spoils_its_message),
    ("2.4", as_a_list),
    ("2.4", by_experiment),
    ("2.4", wrecks_the_facts),
    ("2.5", as_few_as_needed),
    ("2.5", parcels_with(ShopOpened="shops", ShopClosed="shops")),
]
NOTHING_TO_DRAW = {"keeps-between-calls", "unsorted", "unknown-event", "garbage"}
NOTHING_TO_DRAW |= {"no-time-zone", "reads-the-wall-clock"}
NOTHING_TO_DRAW |= {"things-for-names", "names-alike"}


@pytest.mark.parametrize("exercise_id", EXERCISES)
def test_a_stub_is_still_to_do(exercise_id):
    scope = {}
    exec(EXERCISES[exercise_id].stub, scope)
    verdict = check(exercise_id, scope[EXERCISES[exercise_id].call.name])
    assert (verdict.state, verdict.misconception) == ("still to do", "")


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer"), RIGHT)
def test_a_right_answer_passes_whatever_it_is_made_of(exercise_id, answer):
    verdict = checked(exercise_id, answer)
    assert (verdict.state, verdict.misconception) == ("passed", ""), verdict


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), WRONG)
def test_a_wrong_answer_is_rejected_for_its_own_reason(
    exercise_id, answer, misconception
):
    verdict = checked(exercise_id, answer)
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert verdict.message.endswith(".")
    assert "Traceback" not in repr(verdict) + verdict._repr_html_()


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), WRONG)
def test_a_run_that_shows_it_fits_into_a_figure(exercise_id, answer, misconception):
    recording = checked(exercise_id, answer).counterexample
    if recording is None:
        assert misconception in NOTHING_TO_DRAW
        return
    assert 0 < len(recording.messages) <= 40
    assert "<svg" in sequence(recording, title="what happened").html()


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), WRONG[::6])
def test_the_same_answer_gets_the_same_verdict_and_the_same_run(
    exercise_id, answer, misconception
):
    first, second = checked(exercise_id, answer), check(exercise_id, answer)
    if misconception != "keeps-between-calls":
        assert first == second
    if first.counterexample is not None:
        assert first.counterexample.to_json() == second.counterexample.to_json()


AGAIN = """
import sys
from movingparts.check import check
sys.path.insert(0, sys.argv[1])
from tests.check import test_ch02
for number in map(int, sys.argv[2].split(",")):
    exercise_id, answer, _ = test_ch02.WRONG[number]
    print(check(exercise_id, answer))
"""


@pytest.mark.slow
def test_verdicts_do_not_depend_on_the_order_of_sets(tmp_path):
    """One wrong answer of each exercise, told in a process with another order."""
    first = {}
    for number, (exercise_id, _, misconception) in enumerate(WRONG):
        if misconception != "keeps-between-calls":
            first.setdefault(exercise_id, number)
    said = [f"{checked(*WRONG[number][:2])}\n" for number in first.values()]
    numbers = ",".join(map(str, first.values()))
    again = subprocess.run(
        [sys.executable, "-c", AGAIN, str(REPOSITORY), numbers],
        env={
            **os.environ,
            "PYTHONHASHSEED": "4711",
            "MOVINGPARTS_PROGRESS": str(tmp_path / "progress.json"),
        },
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "".join(said) == again.stdout


# --- the solution, with one thing in it replaced --------------------------------------


def mutant(exercise_id, *replacements):
    """Return the model answer after some replacements in its source."""
    source = SOLUTIONS.read_text("utf-8")
    for old, new in replacements:
        assert old in source
        source = source.replace(old, new)
    names = {}
    exec(compile(source, "mutant.py", "exec"), names)
    return names[EXERCISES[exercise_id].call.name]


EACH = '[one(event, version, station, sent, unit) for event in message["events"]]'
ONE_FOR_EACH_EQUAL = f"list(dict.fromkeys({EACH[1:-1]}))"
BY_AGE = (
    'sorted(message["events"], key=lambda e: -e.get("age", 0)'
    ' if isinstance(e, dict) and type(e.get("age")) is int else 0)'
)
LAST = 'event["state"][-1]'
LAST_KNOWN = "[s for s in event['state'] if s in HELD + GONE + tuple(JAMMED)][-1]"
IS_VEHICLE = 'event["type"] == "vehicle" and '
UNREAD = (
    "Unreadable(repr(error), str(message))",
    "Unreadable(repr(error), str(event))",
    "Unreadable(f\"{event['type']}: {state}\", str(event))",
)
HELD_ONE = "return Docked(bike, station, dock, at)"
HEAD_CHECK = 'or not isinstance(message["events"], list)'
WHOLE = '        clamp, at = event["clamp" if version == 1 else "lock"], '
ONLY_INTEGERS = "        if type(event.get('clamp', event.get('lock'))) is not int:\n"
ONLY_INTEGERS += "            raise ValueError('clamp')\n"
FIELDS = "{'type', 'clamp', 'lock', 'vehicle', 'state', 'age', 'battery'}"
STRICT = f"        if set(event) - {FIELDS}:\n            raise ValueError('new')\n"
IN_TIME = "until is not None and now < until"
ENDED = '"rides.ride-ended": lambda _: {"riding": False'
NO_ZONE = "replace(tzinfo=None)"
TOLD_BY = "{each.name for each in contexts if change.contract in each.publishes}"
ADDED = '    if change.kind == "added":\n        return set()\n'
NEEDED = 'change.kind == "withdrawn" or change.field in fields'
BY_NAME = "event: name for name, events"
BY_CARD = BY_NAME.replace("event", "{c.name: c for c in board.events}[event]", 1)
MUTANTS = [
    *((number, "things-for-names", [(BY_NAME, BY_CARD)]) for number in ("2.2", "2.5")),
    (
        "2.2",
        "names-alike",
        [(BY_NAME, BY_NAME.replace("name", "name + ' ' * (event > 'BikeM')", 1))],
    ),
    (
        "2.4",
        "the-contract-is-named-after-its-teller",
        [(TOLD_BY, '{change.contract.split(".")[0]}')],
    ),
    ("2.4", "no-field-no-reader", [(NEEDED, f"fields and ({NEEDED})")]),
    ("2.4", "things-for-names", [(ADDED, "    return set(contexts)\n")]),
    ("2.4", "things-for-names", [(ADDED, "    return list(contexts)\n")]),
    ("2.1", "promised-twice", [("< until", "< until - timedelta(minutes=5)")]),
    ("2.1", "what-is-over-is-charged", [(ENDED, f'{ENDED}, "paid": False')]),
    (
        "2.1",
        "reads-the-wall-clock",
        [(IN_TIME, "until is not None and now.time() < until.time()")],
    ),
    (
        "2.1",
        "reads-the-wall-clock",
        [("now < until", 'now.isoformat() < known["until"]')],
    ),
    (
        "2.1",
        "reads-the-wall-clock",
        [(IN_TIME, f"until is not None and now.{NO_ZONE} < until.{NO_ZONE}")],
    ),
    ("2.3", "falls-over", [("AttributeError, ", "")]),
    ("2.3", "falls-over", [(", OverflowError)", ")")]),
    ("2.3", "falls-over", [("LookupError", "KeyError")]),
    (
        "2.3",
        "falls-over",
        [('message["events"]]', 'sorted(message["events"], key=lambda e: -e["age"])]')],
    ),
    ("2.3", "guesses-the-unknown", [("JAMMED[state]", 'state == "jammed"')]),
    ("2.3", "guesses-the-unknown", [("JAMMED[state]", 'state != "ok"')]),
    (
        "2.3",
        "guesses-the-unknown",
        [(f"{IS_VEHICLE}state in HELD", "state in HELD")],
    ),
    (
        "2.3",
        "guesses-the-unknown",
        [(f"{IS_VEHICLE}state in GONE", "state in GONE")],
    ),
    (
        "2.3",
        "guesses-the-unknown",
        [('event["type"] == "clamp"', 'event["type"] != "vehicle"')],
    ),
    ("2.3", "guesses-the-unknown", [("UNIT[version]", "UNIT[min(version, 2)]")]),
    (
        "2.3",
        "guesses-the-unknown",
        [
            (
                'version, sent = message["protocol"]',
                'version, sent = (message["protocol"] if "protocol" in message else 1)',
            )
        ],
    ),
    ("2.3", "guesses-the-unknown", [('event["age"]', 'event.get("age", 0)')]),
    ("2.3", "guesses-the-unknown", [(LAST, LAST_KNOWN)]),
    (
        "2.3",
        "their-available-is-ours",
        [
            (HELD_ONE, f"{HELD_ONE} if (version, state) != (2, 'reserved') else 1 / 0"),
            ("ODD = (", "ODD = (ArithmeticError, "),
        ],
    ),
    ("2.3", "wrong-time", [("sent - at", "sent - timedelta(seconds=at.seconds)")]),
    ("2.3", "loses-reports", [(EACH, ONE_FOR_EACH_EQUAL)]),
    ("2.3", "in-another-order", [('message["events"]]', f"{BY_AGE}]")]),
    (
        "2.3",
        "more-than-was-said",
        [(HEAD_CHECK, f'{HEAD_CHECK} or not message["events"]')],
    ),
    ("2.3", "says-not-why", [(each, 'Unreadable("", "")') for each in UNREAD]),
    ("2.3", "garbage", [(each, "Unreadable(None, None)") for each in UNREAD]),
    ("2.3", "garbage", [("str(event))", "event)")]),
    (
        "2.3",
        "other-names",
        [("{clamp:02d}", "0{clamp}"), (WHOLE, ONLY_INTEGERS + WHOLE)],
    ),
    ("2.3", "part-of-a-name", [('.removeprefix("LHV-")', '.lstrip("LHV-")')]),
    ("2.3", "a-new-field-spoils-it", [(WHOLE, STRICT + WHOLE)]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "misconception", "replacements"), MUTANTS)
def test_the_solution_with_one_thing_wrong_in_it_is_rejected(
    exercise_id, misconception, replacements
):
    verdict = check(exercise_id, mutant(exercise_id, *replacements))
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert verdict.message.endswith(".")
    recording = verdict.counterexample
    assert recording is not None or misconception in NOTHING_TO_DRAW
    assert recording is None or 0 < len(recording.messages) <= 40


# --- hostile answers -----------------------------------------------------------------


class Odd:
    """Equal to everything, and true."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("fleet")

    def __bool__(self):
        return True


class OddName(str):
    """A name that is equal to every other."""

    __slots__ = ()

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("fleet")


class Agrees(set):
    """A set that is equal to every other."""

    def __eq__(self, other):
        return True

    __hash__ = None


def says(value):
    return lambda *_: value


def loops(*_):
    while True:
        pass


def raises(*_):
    raise ZeroDivisionError("mine")


async def is_async(*_):
    return {}


def generates(*_):
    yield {}


class Liar(dict):
    """A dict that has one answer for whoever looks, and none within."""

    def __getitem__(self, key):
        return True

    def items(self):
        return dict.fromkeys(stories.WORDS, True).items()


HOSTILE = [
    *((exercise_id, loops, "never-returns") for exercise_id in EXERCISES),
    *((exercise_id, raises, "raises") for exercise_id in EXERCISES),
    *((exercise_id, is_async, "async-where-sync") for exercise_id in EXERCISES),
    *((exercise_id, generates, "garbage") for exercise_id in EXERCISES),
    *((exercise_id, says(None), "garbage") for exercise_id in EXERCISES),
    *((exercise_id, says(Odd()), "garbage") for exercise_id in EXERCISES),
    *((exercise_id, says({1: 2}), "garbage") for exercise_id in EXERCISES),
    ("2.1", says(Liar()), "garbage"),
    ("2.1", says(dict.fromkeys(stories.WORDS, 1)), "garbage"),
    ("2.1", says(dict.fromkeys(stories.WORDS, Odd())), "garbage"),
    ("2.1", says({**dict.fromkeys(stories.WORDS, True), "docklink": True}), "garbage"),
    ("2.1", says({OddName(word): True for word in stories.WORDS}), "garbage"),
    ("2.2", says(UserDict()), "garbage"),
    ("2.2", says({}), "unsorted"),
    ("2.2", says({card.name: None for card in WALL.events}), "unsorted"),
    ("2.2", says({card.name: " " for card in WALL.events}), "unsorted"),
    ("2.2", says({card.name: Odd() for card in WALL.events}), "garbage"),
    (
        "2.2",
        says({card.name: OddName(card.name) for card in WALL.events}),
        "one-context-per-event",
    ),
    ("2.3", says([]), "loses-reports"),
    ("2.3", says([Odd()]), "garbage"),
    ("2.3", says([Unreadable("no", "idea")]), "too-strict"),
    ("2.4", says(Agrees()), "nobody"),
    ("2.4", says("fleet"), "garbage"),
    ("2.4", says([Odd()]), "garbage"),
    ("2.4", says({OddName("fleet")}), "garbage"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), HOSTILE)
def test_a_hostile_answer_gets_a_sentence(exercise_id, answer, misconception):
    verdict = check(exercise_id, answer)
    assert (verdict.state, verdict.misconception) == ("not yet", misconception), verdict
    assert verdict.message.endswith((".", ". "))
    assert "Traceback" not in repr(verdict) + verdict._repr_html_()


def forgetting_the_rules(board):
    """Let the judge have no rule and no word."""
    object.__setattr__(LARKHAVEN.board, "rules", ())
    return everything_in_one(board)


def leaving_no_card(board):
    """Let the judge have nothing to sort."""
    object.__setattr__(LARKHAVEN.board, "cards", ())
    return {}


def taking_words_from_cards(board):
    for card in PARCELS.board.cards:
        object.__setattr__(card, "words", {})
    return everything_in_one(board)


def judging_itself(board):
    type(board).judged = lambda *_: None
    return everything_in_one(board)


def emptying_the_stories(events, now):
    stories.STORIES = ()
    return dict.fromkeys(stories.WORDS, True)


CHEATS = [
    ("2.1", emptying_the_stories),
    ("2.2", forgetting_the_rules),
    ("2.2", leaving_no_card),
    ("2.2", judging_itself),
    ("2.5", taking_words_from_cards),
]


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer"), CHEATS)
def test_a_cheat_does_not_pass_and_leaves_nothing_behind(exercise_id, answer):
    verdict = check(exercise_id, answer)
    assert (verdict.state, verdict.misconception) == ("not yet", "tampers"), verdict
    assert check(exercise_id, solution(exercise_id)).passed


# --- what the judges themselves are made of ------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", words.SEEDS)
def test_what_follows_from_the_events_is_what_the_services_answer(seed):
    """The facts by which theories are told apart are right about all six."""
    for moment in stories.moments_of(seed):
        facts = Facts.of(moment.events, moment.now)
        known = {
            "stations": facts.locked,
            "rides": not facts.riding,
            "fleet": facts.fit,
            "availability": facts.promisable,
            "riders": facts.may_ride,
            "billing": facts.payment == "authorized",
        }
        assert known == moment.true


def partitions(events):
    """Return all ways to part some events."""
    if not events:
        return [[]]
    first, *rest = events
    found = []
    for parts in partitions(rest):
        found.append([[first], *parts])
        for number, part in enumerate(parts):
            found.append([*parts[:number], [first, *part], *parts[number + 1 :]])
    return found


TORN = [
    (wall, rule, parts)
    for wall in (LARKHAVEN, PARCELS)
    for rule in wall.board.rules
    if rule.at_once
    for parts in partitions(list(rule.events))
    if len(parts) > 1
]


@pytest.mark.slow
@pytest.mark.parametrize(("wall", "rule", "parts"), TORN)
def test_a_torn_rule_breaks_by_one_lost_message_and_not_without(wall, rule, parts):
    sorted_so = {event: f"c{n}" for n, part in enumerate(parts) for event in part}
    crossing = Crossing(rule, tuple(dict.fromkeys(sorted_so[e] for e in rule.events)))
    trial = sorting.torn_run(wall, crossing, sorted_so)
    assert trial.reason == "torn-rule"
    [fault] = trial.recording.faults
    without = sorting.torn_run(wall, crossing, sorted_so, without={fault.key})
    assert without.complaint is None


CLASHES = [
    (wall, word, one, other)
    for wall in (LARKHAVEN, PARCELS)
    for one, other in itertools.combinations(wall.board.events, 2)
    for word in sorted(one.words.keys() & other.words.keys())
    if one.words[word] != other.words[word]
]


@pytest.mark.slow
@pytest.mark.parametrize(("wall", "word", "one", "other"), CLASHES[::5])
def test_a_word_with_two_meanings_breaks_a_promise(wall, word, one, other):
    found = wall.board.judged({one.name: "x", other.name: "x"})
    [clash] = [each for each in found.clashes if each.word == word]
    trial = sorting.clash_run(wall, clash)
    assert trial.reason == "two-meanings"
    assert [moment.kind for moment in trial.recording.moments] == ["deploy"]


@pytest.mark.parametrize("wall", [LARKHAVEN, PARCELS])
def test_each_rule_that_holds_at_once_has_its_book(wall):
    rules = {frozenset(rule.events) for rule in wall.board.rules if rule.at_once}
    assert rules == {book.events for book in wall.books}
    names = {card.name for card in wall.board.events}
    words = {word for card in wall.board.events for word in card.words}
    assert {event for _, event in wall.undone} <= names
    assert {word for word, _ in wall.undone} <= words


def test_the_walls_are_those_that_a_lab_shows():
    for wall, board in ((LARKHAVEN, WALL), (PARCELS, LOCKERS)):
        assert wall.board.rules == board.rules
        assert [c.name for c in wall.board.cards] == [c.name for c in board.cards]
        assert [dict(c.words) for c in wall.board.cards] == [
            dict(c.words) for c in board.cards
        ]


def test_what_holds_for_bikes_by_name_does_not_hold_for_parcels():
    """Reserved, expired and collected were one context there."""
    assert LOCKERS.judged(bikes_carried_over(LOCKERS)).torn
    events = {card.name for card in LOCKERS.events}
    assert not events & {card.name for card in WALL.events} - {"ReservationExpired"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", border.SEEDS)
def test_what_the_vendor_sends_can_be_read_without_loss(seed):
    """Under the solution the state of stations is that of the rails, each time."""
    answer = Answer(solution("2.3"), EXERCISES["2.3"].call)
    trial = border.attempt(answer, seed, ())
    assert trial.complaint is None
    assert trial.recording.messages


def test_each_change_of_larkhaven_is_asked_for_and_some_move_nobody():
    asked = [q for q in change.questions() if q.system.name == "Larkhaven"]
    told = {q.change.contract for q in asked}
    own = {contract for contract in told if contract in events()}
    read = {(n, c) for n in CONTEXTS for c in facts(n).reads if c in events()}
    assert read == set(systems.the_city().readers)
    assert told == own
    assert {q.change.kind for q in asked} == {
        *("renamed", "removed", "added", "retyped", "withdrawn")
    }
    assert {len(q.true) for q in asked} >= {0, 1, 2}


def test_the_fields_of_a_reading_are_those_that_the_reader_breaks_without():
    city = systems.the_city()
    assert city.readings["rides", "stations.bike-docked"] == (
        *("bike_id", "station_id", "at"),
    )
    assert "dock_id" in city.readings["availability", "stations.bike-docked"]


SHOWN = [
    wrong for wrong in WRONG if wrong[0] == "2.3" and wrong[2] not in NOTHING_TO_DRAW
]


@pytest.mark.slow
@pytest.mark.parametrize(("exercise_id", "answer", "misconception"), SHOWN[::3])
def test_no_step_of_a_counterexample_can_be_left_out(
    exercise_id, answer, misconception
):
    """Without any one of its steps, the run does not end in the same harm."""
    judged = Answer(answer, EXERCISES[exercise_id].call)
    trial = EXERCISES[exercise_id].judge(judged).failing
    assert trial.steps
    keys = [f"step {n}: {name}" for n, (name, *_) in enumerate(story_of(trial.seed))]
    left_out = set(keys) - set(trial.steps)
    again = border.attempt(judged, trial.seed, left_out)
    assert again.recording.to_json() == trial.recording.to_json()
    for step in trial.steps:
        less = border.attempt(judged, trial.seed, left_out | {step})
        same = less.reason == misconception
        assert not same or less.complaint.rank > trial.complaint.rank


def story_of(seed):
    return border.story(seed)[2]
