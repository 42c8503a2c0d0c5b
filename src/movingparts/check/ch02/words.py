"""Exercise 2.1: six words.

A small city of real services lives through a short story. What its contexts published
goes to the answer, and what they say themselves is asked of them.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta, timezone, tzinfo
from functools import partial
from typing import Any

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.ch02.beliefs import THEORIES, Facts
from movingparts.check.ch02.stories import (
    STORIES,
    WORDS,
    City,
    Moment,
    lived,
    moments_of,
)
from movingparts.check.ch02.theories import Theory, believed
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.meter import new_run, traced, untraced
from movingparts.check.search import Trial, play, shrunk
from movingparts.check.verdict import Complaint, Rejected
from movingparts.world.core.recording import Message, Recording

SEEDS = range(len(STORIES) + 8)
ELSEWHERE = timezone(timedelta(hours=2))
ACTORS = frozenset({"rider", "another", "mechanic", "truck", "operator"})


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A context that an answer is wrong about: where it shows, and what it believes."""

    context: str
    seed: int
    size: int
    theory: Theory | None
    one_flag: bool

    def shows(self, facts: Facts, said: bool, true: bool) -> bool:
        """Say whether a moment shows it."""
        told = self.theory is None or self.one_flag or self.theory.says(facts) == said
        return said != true and bool(told)

    def complaint(self, phrase: str, said: bool) -> Complaint:
        """Say what is wrong."""
        yes, no = ("yes", "no") if said else ("no", "yes")
        text = (
            f"{phrase}, and {self.context} answers {no} to “available?”; you say {yes}."
        )
        if self.one_flag:
            text += (
                " You give all six the same answer, as if there were one flag. Each"
                " context has a word of its own, and here they come apart."
            )
            return Complaint("one-flag-for-all", text)
        if self.theory is None:
            text += f" Look again at what {self.context} means by it."
            return Complaint("another-word", text)
        return Complaint(self.theory.name, f"{text} {self.theory.why}")


def answered(value: object) -> dict[str, bool]:
    """Return an answer's dict; raise `Rejected` for what is none."""
    keys = ", ".join(WORDS)
    if not isinstance(value, dict):
        text = f"`available` returned {shown(value)}, not a dict with the keys {keys}."
        raise Rejected("garbage", text)
    found = {str.__str__(k): v for k, v in dict.items(value) if isinstance(k, str)}
    if sorted(found) != sorted(WORDS) or dict.__len__(value) != len(found):
        text = f"The dict has one key for each context ({keys}): {shown(value)}."
        raise Rejected("garbage", text)
    odd = [word for word in WORDS if type(found[word]) is not bool]
    if odd:
        text = f"Each context answers True or False; {odd[0]}: {shown(found[odd[0]])}."
        raise Rejected("garbage", text)
    return {word: found[word] for word in WORDS}


def _ask(answer: Answer, moment: Moment, zone: tzinfo | None = None) -> dict[str, bool]:
    new_run()
    now = moment.now if zone is None else moment.now.astimezone(zone)
    with traced():
        return answered(answer(deepcopy(moment.events), now))


def _ask_elsewhere(answer: Answer, moment: Moment, said: dict[str, bool]) -> None:
    """Ask at the same instant, by another clock; raise `Rejected` for a change."""
    again = _ask(answer, moment, ELSEWHERE)
    for context in WORDS:
        if again[context] != said[context]:
            here, there = moment.now, moment.now.astimezone(ELSEWHERE)
            yes, no = ("yes", "no") if said[context] else ("no", "yes")
            text = (
                f"{moment.phrase}, and it is {here:%H:%M} in UTC: for {context} you say"
                f" {yes}. Asked at the same instant by a clock two hours ahead, at"
                f" {there:%H:%M%z}, you say {no}. An instant is the same in any zone:"
                " compare aware times, and no text or hour of them."
            )
            raise Rejected("reads-the-wall-clock", text)


def _mistakes(moments: list[Moment], answers: list[dict[str, bool]]) -> list[_Wrong]:
    """Return what is wrong with answers, what is best understood first."""
    one_flag = all(len(set(said.values())) == 1 for said in answers)
    facts = [Facts.of(moment.events, moment.now) for moment in moments]
    found = []
    for context in WORDS:
        said = [each[context] for each in answers]
        if all(s == m.true[context] for s, m in zip(said, moments, strict=True)):
            continue
        theory = believed(
            THEORIES[context], facts, said, [m.true[context] for m in moments]
        )
        wrong = _Wrong(context, 0, 0, theory, one_flag)
        size, seed = min(
            (m.size, m.seed)
            for m, f, s in zip(moments, facts, said, strict=True)
            if wrong.shows(f, s, m.true[context])
        )
        found.append(replace(wrong, seed=seed, size=size))
    return sorted(found, key=lambda w: (w.theory is None, w.size, w.seed))


def attempt(
    answer: Answer, wrong: _Wrong, seed: int, without: Collection[str]
) -> Trial:
    """Live through a story again, up to the moment at which the answer is wrong."""
    place: list[City] = []

    async def scenario(world: Any) -> Complaint | None:
        async for city, moment in lived(world, seed, without):
            place[:] = [city]
            said = _ask(answer, moment)[wrong.context]
            true = moment.true[wrong.context]
            if wrong.shows(Facts.of(moment.events, moment.now), said, true):
                return wrong.complaint(moment.phrase, said)
        return None

    with untraced():
        trial = play(scenario, seed, without, until=20_000)
    if trial.complaint is None or not place:
        return trial
    recording = _told(trial.recording, wrong.context, place[0])
    return replace(trial, recording=recording, steps=tuple(place[0].done))


def _told(recording: Recording, context: str, city: City) -> Recording:
    """Return the part of a run that tells the story, and the last question of it."""
    heard = [m for m in recording.messages if m.target == "you" and m.kind == "event"]
    events = {
        m.id
        for m, (_, data) in zip(heard, city.heard, strict=False)
        if city.concerns(data)
    }
    asked = [m for m in recording.messages if m.kind == "request" and m.source == "you"]
    last = max(m.id for m in asked if m.target == context)

    def belongs(message: Message) -> bool:
        if message.id in events or last in (message.id, message.answers):
            return True
        acts = {message.source, message.target} & ACTORS
        return message.id >= city.begun and bool(acts)

    kept = [message for message in recording.messages if belongs(message)]
    names = {name for m in kept for name in (m.source, m.target)}
    begun = recording.messages[city.begun].sent_us
    return replace(
        recording,
        messages=kept,
        nodes=[member for member in recording.nodes if member.name in names],
        spans=[
            span
            for span in recording.spans
            if span.node == "you" or (span.node in names and span.start_us >= begun)
        ],
    )


def judge(answer: Answer) -> Judgement:
    """Ask after each step of all stories, twice, and live through what is wrong."""
    _ask(answer, moments_of(0)[0])  # a stub need not wait for all stories
    moments = [moment for seed in SEEDS for moment in moments_of(seed)]
    answers = [_ask(answer, moment) for moment in moments]
    pairs = zip(reversed(moments), reversed(answers), strict=True)
    if any(_ask(answer, moment) != said for moment, said in pairs):
        text = (
            "Asked again with the same events, it answers something else. What it keeps"
            " from one call to the next (a global, a mutable default, chance) is of"
            " another bike."
        )
        raise Rejected("keeps-between-calls", text)
    wrong = _mistakes(moments, answers)
    if not wrong:
        for moment, said in zip(moments, answers, strict=True):
            _ask_elsewhere(answer, moment, said)
    if wrong:
        again = partial(attempt, answer, wrong[0])
        return Judgement(shrunk(again, again(wrong[0].seed, ())))
    return Judgement(
        praise=f"{len(SEEDS)} stories, {len(moments)} moments: your six answers were"
        " those of the six services, each time."
    )


SIX_WORDS = Exercise(
    id="2.1",
    title="Six words",
    difficulty="easy",
    lab="02-words-and-borders",
    statement=(
        "Ask six contexts whether a bike is *available*, and you get six answers. Write"
        " `available(events, now)`: `events` is what was published of one bike, one"
        " rider and one ride until `now` (an aware `datetime`, of any zone), in order,"
        " as pairs of a contract's name and its data. Return what each context answers"
        " to *available?* now: a dict with the keys `stations`, `rides`, `fleet`,"
        " `availability`, `riders` and `billing`, each True or False. Where billing"
        " knows of no payment, that is a False. The checker lets a small city live"
        " through stories, and asks the services themselves."
    ),
    stub=(
        "def available(events, now):\n"
        '    raise NotImplementedError("Exercise 2.1: six answers to one question")\n'
    ),
    hints=(
        (
            "Take one context at a time. Which events change what it means by the"
            " word, and which of the others' has it never heard of?"
        ),
        (
            "Five of the six follow from one or two facts each: in a dock that works;"
            " on a ride; flagged; in good standing; held for this ride. availability"
            " needs two of those, and a promise that has not lapsed."
        ),
        (
            "Go through the events once and keep seven values: docked (its `dock_id` is"
            " not None), jammed, riding, `vehicle_state`, standing, paid (until"
            " `billing.fare-charged` or `rides.ride-cancelled`), and the promise's"
            " `until` (None once it is closed). A promise binds while `now < until`;"
            " availability answers yes for a bike that is docked, not jammed, fit and"
            " not promised."
        ),
    ),
    transfer=(
        (
            "A delivery service asks whether a dish is *available*. The kitchen, the"
            " couriers, the menu and the till each have an answer. What do the four"
            " mean, and which of them does a hungry customer mean?"
        ),
        (
            "The kitchen: there is enough of everything in it. The couriers: somebody"
            " can bring it while it is hot. The menu: it is on today's card. The till:"
            " its price is known in this shop. The customer means a fifth thing, *you"
            " can promise me one within the hour*, which follows from the others and"
            " from what was promised already: that is the word worth a model of its"
            " own."
        ),
    ),
    call=Call("available", ("events", "now")),
    judge=judge,
)
