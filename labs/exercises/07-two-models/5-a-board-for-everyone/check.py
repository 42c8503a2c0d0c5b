"""Checks exercise 7.5: a board, and what it says of one patient after this and that."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from movingparts.check import Check, Law, always, shown

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"
WHO = (("P47", 11, "Ada"), ("P471", 1, "Bob"), ("P4", 7, "Cleo"), ("P9", 1, "Dan"))
KEY, OTHER_KEY = b"the key of the board", b"another key"


class Room(BaseModel, strict=True, extra="forbid"):
    room: str
    waiting: int


class Waiting(BaseModel, strict=True, extra="forbid"):
    id: str
    room: str


class Document(BaseModel, strict=True, extra="forbid"):  # the contract as a schema
    last_updated: Annotated[str, Field(pattern=TIME)]
    rooms: list[Room]
    patients: list[Waiting]


@dataclass(frozen=True)
class Patient:
    number: str
    visit: int
    name: str
    room: str


@dataclass(frozen=True)
class View:
    as_of: datetime
    reported: dict[str, datetime | None]
    patients: list[Patient]


def view(random):
    """Return a view with a room that nobody waits in, and one that never reported."""
    zone = timezone(timedelta(hours=random.choice((-5, 2, 9))))
    at = datetime(2018, 5, 5, 8, 0, random.randrange(60), tzinfo=UTC).astimezone(zone)
    reported = dict.fromkeys(("North", "South", "Harbor"), at - timedelta(hours=4))
    patients = [Patient(*each, random.choice(("North", "South"))) for each in WHO]
    return View(at, {**reported, "Annex": None}, patients)


class Board:
    """What was published, and what the schema says of it."""

    def __init__(self, view, answer):
        self.view, self.answer = view, answer
        self.extra, self.error = [], ""
        try:
            board = Document.model_validate(answer(view, KEY))
        except ValidationError as wrong:
            found = wrong.errors()
            self.extra = [e for e in found if e["type"] == "extra_forbidden"]
            first = (self.extra or found)[0]
            where = ".".join(map(str, first["loc"]))
            self.error = f"{where}: {first['msg']} (found: {shown(first['input'])})"
            return
        self.said, self.as_of = board.last_updated, view.as_of.isoformat()
        self.off = abs(datetime.fromisoformat(self.said) - view.as_of)
        self.rooms = {each.room: each.waiting for each in board.rooms}
        waiting = Counter(patient.room for patient in view.patients)
        self.right = {room: waiting[room] for room, at in view.reported.items() if at}
        self.where = Counter(each.room for each in board.patients)
        self.is_complete = self.rooms == self.right and self.where == waiting
        self.ids = {each.id for each in board.patients}
        self.distinct = len(self.ids)
        self.compare(view.patients[0])

    def compare(self, patient):
        """Publish one patient alone: now, in another room, back again, and so on."""
        other = "South" if patient.room == "North" else "North"
        self.patient, self.now = patient, self.id_of(patient)
        self.is_hidden = patient.number not in str(self.now)
        self.moved = self.id_of(replace(patient, room=other))
        self.back = self.id_of(replace(patient, visit=patient.visit + 1))
        self.keyed = self.id_of(patient, OTHER_KEY)

    def id_of(self, patient, key=KEY):
        at = self.view.as_of + timedelta(minutes=5)
        alone = replace(self.view, as_of=at, patients=[patient])
        return next((each["id"] for each in self.answer(alone, key)["patients"]), None)


async def run(world, answer, run):
    run.see(Board(view(world.random), answer))


LAWS = (
    Law("publishes-more", always, lambda s: not s.extra),
    Law("another-form", always, lambda s: not s.error),
    Law("time-of-the-request", always, lambda s: s.off < timedelta(days=365)),
    Law("another-time", always, lambda s: not s.off),
    Law("zero-for-unknown", always, lambda s: "Annex" not in s.rooms),
    Law("another-count", always, lambda s: s.is_complete),
    Law("id-that-lasts", always, lambda s: s.is_hidden and s.back != s.now),
    Law("id-of-an-answer", always, lambda s: s.now == s.moved and s.now in s.ids),
    Law("id-without-the-key", always, lambda s: s.keyed != s.now),
    Law("one-id-for-two", always, lambda s: s.distinct == len(WHO)),
)
CHECK = Check(run=run, seeds=range(12), laws=LAWS, returns=dict, wants="a dictionary")
