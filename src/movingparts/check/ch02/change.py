"""Exercise 2.4: who must change?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.ch02.asked import asked
from movingparts.check.ch02.systems import (
    Change,
    Data,
    Reader,
    System,
    invented,
    reads_alike,
    the_city,
)
from movingparts.check.ch02.theories import Theory, believed
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.meter import new_run, traced, untraced
from movingparts.check.search import Trial, play, shrunk
from movingparts.check.verdict import Complaint, Rejected
from movingparts.context_map import Context
from movingparts.world.core import Node

INVENTED = 4  # systems besides Larkhaven
Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Question:
    """One change of one contract of a system."""

    system: System
    change: Change
    true: Names

    @property
    def teller(self) -> str:
        """Who tells the contract."""
        return self.system.publisher(self.change.contract)

    @property
    def readers(self) -> Names:
        """Who reads the contract, besides who tells it."""
        return frozenset(self.system.readers_of(self.change.contract))

    def taken(self, how: str) -> Names:
        """Return those of the readers that take the contract so: "ACL" or "CF"."""
        return frozenset(
            context.name
            for context in self.system.contexts
            if context.name in self.readers
            and context.takes(self.change.contract) == how
        )

    def downstream(self, names: Collection[str]) -> Names:
        """Return who reads or calls any of some contexts, other than those."""
        told = {c.name: set(c.publishes) for c in self.system.contexts}
        found = set()
        for context in self.system.contexts:
            for name in names:
                if told[name] & set(context.reads) or name in context.calls:
                    found.add(context.name)
        return frozenset(found) - frozenset(names)

    def callers(self) -> Names:
        """Return who calls the context that tells."""
        calling = (c.name for c in self.system.contexts if self.teller in c.calls)
        return frozenset(calling) - {self.teller}

    def needing(self) -> Names:
        """Return who must change, by what is needed of the contract, its teller too."""
        change, readings = self.change, self.system.readings
        return frozenset(
            name
            for (name, contract), fields in readings.items()
            if contract == change.contract and change.kind != "added"
            if change.kind == "withdrawn" or change.field in fields
        )

    def looking(self) -> Names:
        """Return those of the readers that look at any field of the contract."""
        readings = self.system.readings
        return frozenset(
            name for name in self.readers if readings[name, self.change.contract]
        )

    def of_that_field(self) -> Names:
        """Return who reads a field of that name, in any contract."""
        return frozenset(
            name
            for (name, _), fields in self.system.readings.items()
            if self.change.field in fields and name != self.teller
        )


@lru_cache(maxsize=1)
def questions() -> tuple[Question, ...]:
    """Return what is asked: all changes of Larkhaven's contracts, then of others'."""
    systems = [the_city(), *(invented(seed) for seed in range(INVENTED))]
    return tuple(
        Question(system, change, system.must_change(change))
        for system in systems
        for contract, (data, *_) in system.samples.items()
        for change in _changes(contract, data)
    )


def _first() -> Question:
    """Return a question that is quickly asked."""
    system = invented(0)
    contract = next(iter(system.samples))
    change = Change(contract, "withdrawn")
    return Question(system, change, system.must_change(change))


def _changes(contract: str, data: Data) -> Iterator[Change]:
    for field in data:
        yield Change(contract, "renamed", field, f"{field}_2")
        yield Change(contract, "removed", field)
        yield Change(contract, "retyped", field)
    yield Change(contract, "added", "weather")
    yield Change(contract, "withdrawn")


# What somebody may believe about a change, and why it is not so.
_THEORIES: tuple[tuple[str, Callable[[Question], Names], str], ...] = (
    (
        "everybody-downstream",
        lambda q: q.downstream({q.teller}),
        (
            "Being downstream says who could be moved, not by what: a change moves"
            " those who read what is changed."
        ),
    ),
    (
        "whoever-reads-the-contract",
        lambda q: q.readers,
        (
            "To read a contract is to read some of its fields. Who never looks at this"
            " one notices nothing."
        ),
    ),
    (
        "a-new-field-breaks",
        lambda q: q.readers if q.change.kind == "added" else q.true,
        (
            "A reader lets pass what it does not know, so a new field breaks nobody:"
            " that is why contracts grow by adding."
        ),
    ),
    (
        "a-conformist-is-safe",
        lambda q: q.true - q.taken("CF"),
        (
            "A conformist takes the words as they are, into its own model: it is the"
            " first whom a change of them breaks."
        ),
    ),
    (
        "an-acl-needs-no-change",
        lambda q: q.true - q.taken("ACL"),
        (
            "An anti-corruption layer keeps a change from the model behind it, and is"
            " itself what has to change: it is that context's code too."
        ),
    ),
    (
        "the-publisher-too",
        lambda q: q.true | {q.teller},
        ("Who makes the change is not asked for: the question is whom else it moves."),
    ),
    (
        "the-publisher-too",
        lambda q: q.needing(),
        (
            "Who tells it reads it too, and makes the change: the question is whom else"
            " it moves."
        ),
    ),
    (
        "the-contract-is-named-after-its-teller",
        lambda q: q.needing() - {q.change.contract.partition(".")[0]},
        (
            "A contract is called as it was called once. Who tells it is who has it in"
            " `publishes`; and whoever it is named after may read it by now."
        ),
    ),
    (
        "no-field-no-reader",
        lambda q: q.true & q.looking(),
        (
            "Who counts these events looks at no field of them, and misses them like"
            " any other reader."
        ),
    ),
    (
        "it-ripples-on",
        lambda q: q.true | (q.downstream(q.true) - {q.teller}),
        (
            "The change ends where it is translated: what those tell who must change"
            " stays the same, and whoever reads that notices nothing."
        ),
    ),
    (
        "callers-too",
        lambda q: q.true | q.callers(),
        "Who calls the publisher's API reads no event of it.",
    ),
    (
        "nothing-comes-nothing-breaks",
        lambda q: frozenset() if q.change.kind == "withdrawn" else q.true,
        (
            "A reader that is told nothing raises nothing, and waits for ever: what it"
            " did on that event, nobody does any more."
        ),
    ),
    (
        "a-field-by-its-name",
        lambda q: q.readers if q.change.kind == "withdrawn" else q.of_that_field(),
        ("Other contracts have a field of that name, and nobody has touched them."),
    ),
    (
        "a-rename-is-harmless",
        lambda q: frozenset() if q.change.kind == "renamed" else q.true,
        "To a reader a renamed field is one that is gone.",
    ),
    (
        "a-type-is-harmless",
        lambda q: frozenset() if q.change.kind == "retyped" else q.true,
        "A list is no text: whoever reads the field reads something else now.",
    ),
    ("nobody", lambda _: frozenset(), "Somebody reads what is changed."),
    (
        "everybody",
        lambda q: frozenset(c.name for c in q.system.contexts),
        "Most contexts have never heard of this contract.",
    ),
)
THEORIES = tuple(Theory(*each) for each in _THEORIES)


# --- a run ------------------------------------------------------------------------


def _reading(contract: str, reader: Reader, before: Data) -> Any:
    """Return the factory of a context that hears of one contract."""

    def factory(node: Node) -> FastAPI:
        app = FastAPI(title=node.name)
        heard: list[Data] = []

        @app.post(f"/{contract}", status_code=202)
        async def hear(request: Request) -> None:
            heard.append(await request.json())
            if not reads_alike(reader, before, heard[-1]):
                raise HTTPException(422, "this cannot be read as before")

        @app.get(f"/{contract}")
        async def last() -> Data:
            if not heard:
                raise HTTPException(404, "nothing has come")
            return heard[-1]

        return app

    return factory


async def _told(world: Any, question: Question) -> Names:
    """Tell the changed event to each reader; return those who could not read it."""
    system, change = question.system, question.change
    failed = set()
    for name in sorted(question.readers):
        reader = system.readers[name, change.contract]
        samples = system.samples[change.contract]
        shows = [d for d in samples if not reads_alike(reader, d, change.made(d))]
        data = (shows or samples)[0]
        await world.serve(name, _reading(change.contract, reader, data))
        address, event = f"http://{name}/{change.contract}", change.made(data)
        client: httpx.AsyncClient = world.client(question.teller)
        if event is None:
            reply = await world.client("you").get(address)
        else:
            reply = await client.post(address, json=event)
        if not reply.is_success:
            failed.add(name)
    return frozenset(failed)


def attempt(
    answer: Answer,
    question: Question,
    theory: Theory | None,
    seed: int,
    without: Collection[str],
) -> Trial:
    """Make a change in a world with the real readers, and see who fails."""

    async def scenario(world: Any) -> Complaint | None:
        with traced():
            said = _ask(answer, question)
        failed = await _told(world, question)
        if said == failed:
            return None
        return _complaint(question, said, failed, theory)

    with untraced():
        return play(scenario, seed, without, until=60)


def _complaint(
    question: Question, said: Names, failed: Names, theory: Theory | None
) -> Complaint:
    text = (
        f"In {question.system.name}, {question.change!r}: {_listed(failed)} must"
        f" change, and you name {_listed(said)}."
    )
    if theory is not None:
        return Complaint(theory.name, f"{text} {theory.why}")
    for names, why in (
        (said - failed, "goes on reading as before"),
        (failed - said, "fails, or reads something else than before"),
    ):
        if names:
            return Complaint("another-set", f"{text} {min(names)} {why}.")
    return Complaint("another-set", text)


def _listed(names: Collection[str]) -> str:
    ordered = sorted(names)
    if len(ordered) < 2:
        return ordered[0] if ordered else "nobody"
    return f"{', '.join(ordered[:-1])} and {ordered[-1]}"


# --- the judge --------------------------------------------------------------------


def _ask(answer: Answer, question: Question) -> Names:
    """Ask once; raise `Rejected` for what is no set of the names of contexts."""
    new_run()
    system = question.system
    contexts = [
        replace(each, reads=dict(each.reads), calls=dict(each.calls))
        for each in system.contexts
    ]
    value = asked(answer, contexts, dict(system.readings), replace(question.change))
    if not isinstance(value, set | frozenset | list | tuple):
        text = f"`must_change` returned {shown(value)}, not a set of names."
        raise Rejected("garbage", text)
    known = {context.name for context in system.contexts}
    names = [str.__str__(name) if isinstance(name, str) else name for name in value]
    strange = [name for name in names if type(name) is not str or name not in known]
    if strange and isinstance(strange[0], Context):
        text = f"{strange[0].name} is in it as the whole context: give its `.name`."
        raise Rejected("things-for-names", text)
    if strange:
        text = f"There is no context {shown(strange[0])} in {system.name}."
        raise Rejected("garbage", text)
    return frozenset(names)


def judge(answer: Answer) -> Judgement:
    """Ask about each change, and play the one that is shown best."""
    _ask(answer, _first())  # a stub need not wait for an hour of Larkhaven
    asked = questions()
    said = [_ask(answer, question) for question in asked]
    true = [question.true for question in asked]
    if said == true:
        systems = 1 + INVENTED
        return Judgement(
            praise=f"{len(asked)} changes in {systems} systems: those whom you named"
            " are those whose readers failed, and nobody else."
        )
    theory = believed(THEORIES, asked, said, true)
    wrong = [
        (not question.readers, not question.true, len(question.readers), number)
        for number, question in enumerate(asked)
        if said[number] != true[number]
        and (theory is None or theory.says(question) == said[number])
    ]
    question = asked[min(wrong)[-1]]
    again = partial(attempt, answer, question, theory)
    return Judgement(shrunk(again, again(0, ())))


WHO_MUST_CHANGE = Exercise(
    id="2.4",
    title="Who must change?",
    difficulty="medium",
    lab="02-words-and-borders",
    statement=(
        "A contract is about to change. Write `must_change(contexts, readings,"
        " change)`: return the set of names (a list will do) of the contexts whose code"
        " must change, other than the one that makes the change. `contexts` are facts,"
        " as the context map is made of: `.name`, `.publishes`, `.reads`, `.calls` and"
        " `.takes(contract)`. `readings[name, contract]` are the fields that a"
        " context's reader needs of a contract that it reads. `change` has a"
        " `.contract`, a `.kind` and a `.field`: the field is `renamed`, `removed`,"
        " `added` or `retyped`, or the event is `withdrawn` and no longer told. The"
        " checker makes each change to events that Larkhaven has told, and gives them"
        " to its readers; then to those of systems that you have not seen. Whoever"
        " fails, or reads something else, or waits for what never comes, must change."
    ),
    stub=(
        "def must_change(contexts, readings, change):\n"
        '    raise NotImplementedError("Exercise 2.4: whom does a change move?")\n'
    ),
    hints=(
        (
            "Follow one field from an event into the code that reads it. What else in"
            " that system could notice that it is gone?"
        ),
        (
            "The map says who could be moved, `readings` who is. Two kinds of change"
            " are special: one moves nobody, the other moves every reader of the"
            " contract, whatever it looks at."
        ),
        (
            "For `added` nobody. For `withdrawn` all whose `readings` have the"
            " contract; otherwise those of them whose fields have `change.field`. Take"
            " away the context that has the contract in its `publishes`, which may read"
            " its own events."
        ),
    ),
    transfer=(
        (
            "A carrier tells parcel lockers of a parcel's size as `small`, `medium` and"
            " `large`, and will tell centimeters instead. The app shows the word to"
            " recipients, the allocation picks a compartment by it, billing has a price"
            " for each, and statistics counts parcels. Who must change, and what would"
            " have moved fewer?"
        ),
        (
            "The app, the allocation and billing read the field; statistics does not,"
            " though it reads the same event. To add the centimeters beside the word"
            " moves nobody, and each of the three can follow when it likes. And had the"
            " firm one border to the carrier, translating sizes into its own, that"
            " border alone would have to change."
        ),
    ),
    call=Call("must_change", ("contexts", "readings", "change")),
    judge=judge,
)
