"""Checks exercise 2.3: what a second vendor's messages become at the border."""

from dataclasses import replace
from datetime import datetime, timedelta

from movingparts.check import Check, Law, always
from movingparts.check.answers import shown, where
from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import Docked, DockState, Taken
from movingparts.scenes.ch02 import border

SECOND = timedelta(seconds=1)
IDS = ("bike_id", "station_id", "dock_id")


def cut(value, limit):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def is_sound(item):
    """Return whether all parts of an item have their types."""
    if isinstance(item, Unreadable):
        return isinstance(item.why, str) and isinstance(item.said, str)
    ids = [getattr(item, name) for name in IDS if hasattr(item, name)]
    named = all(isinstance(each, str | None) for each in ids) and None not in ids[:2]
    return named and isinstance(item.at, datetime) and item.at.tzinfo is not None


def same(item, right):
    """Return whether an item says what it should, to the second."""
    if right is None or isinstance(item, Unreadable):
        return right is None and isinstance(item, Unreadable)
    if type(item) is not type(right) or abs(item.at - right.at) >= SECOND:
        return False
    return replace(item, at=right.at) == right


class Read:
    """A message, and what an answer made of it; `item` is the first that is wrong."""

    item = right = raw = None

    def __init__(self, message, value):
        self.sent = next(each for each in border.sent() if each.message is message)
        self.meant, head = self.sent.meant, self.sent.kind == "head"
        self.raised = value if isinstance(value, Exception) else None
        self.items = [] if self.raised else list(value)
        self.given, self.count = len(self.items), len(self.meant)
        self.unsound = next((e for e in self.items if not is_sound(e)), None)
        self.part = message if isinstance(message, dict) else {}
        self.message = self.event = cut(message, 200)
        self.counted = self.given == self.count or (head and self.given > 0)
        sound = not self.raised and self.unsound is None
        if sound and self.counted and not (head and self.sent.accepts(self.items)):
            self._find(self.meant * self.given if head else self.meant, head)

    def _find(self, meant, head):
        pairs = zip(self.items, meant, strict=True)
        wrong = [n for n, (item, right) in enumerate(pairs) if not same(item, right)]
        if wrong:
            self.item, self.right = self.items[wrong[0]], meant[wrong[0]]
            self.raw = {} if head else self.part["events"][wrong[0]]
            self.event = self.message if head else cut(self.raw, 150)

    @property
    def error(self):
        """The exception, and the line of the answer that raised it."""
        return f"{type(self.raised).__name__}: {self.raised}{where(self.raised)}"

    @property
    def bad(self):
        """The item that has a part of another type, or says nothing."""
        blank = (e for e in self.items if isinstance(e, Unreadable) and not e.why)
        return shown(self.unsound or next(blank, None), 160)

    @property
    def read(self):
        """What the first wrong item says."""
        return border.in_words(self.item)

    @property
    def was(self):
        """What it should say."""
        return border.in_words(self.right)

    @property
    def states(self):
        """The states of the event that was misread, oldest first."""
        state = self.raw.get("state") if isinstance(self.raw, dict) else None
        return state if isinstance(state, list) else [state]

    @property
    def strict(self):
        """Whether it was not read, though it means something."""
        return self.right is not None and isinstance(self.item, Unreadable)

    @property
    def another_kind(self):
        """Whether it became another kind of report, or a dock works that does not."""
        one, other = (getattr(each, "jammed", None) for each in (self.item, self.right))
        return self.right and (type(self.item) is not type(self.right) or one != other)

    @property
    def turned(self):
        """Whether all items are right, but for their order."""
        rest = list(self.items)
        for right in self.meant:
            found = [n for n, item in enumerate(rest) if same(item, right)]
            if found:
                del rest[found[0]]
        return self.item is not None and not rest and self.given == self.count

    @property
    def spoiled(self):
        """Whether one event that means nothing cost the others."""
        unread = all(isinstance(item, Unreadable) for item in self.items)
        return self.given > 0 and unread and None in self.meant and any(self.meant)

    @property
    def late(self):
        """How far off its time is, if that is all that is wrong."""
        if self.item is None or self.right is None or self.another_kind:
            return timedelta(0)
        moved = replace(self.item, at=self.right.at) == self.right
        return self.item.at - self.right.at if moved else timedelta(0)

    @property
    def offset(self):
        """The offset of the rail's clock from UTC."""
        return self.at.utcoffset()

    @property
    def at(self):
        """When the message was sent."""
        return datetime.fromisoformat(self.part["sent"])

    @property
    def other_unit(self):
        """Whether `age` was read in the other version's unit."""
        if not self.late:
            return False
        unit = {1: timedelta(milliseconds=1), 2: SECOND}[self.part["protocol"]]
        return abs(self.at - self.raw["age"] * unit - self.item.at) < SECOND

    @property
    def names(self):
        """The bike and the station in the wrong item, and in the right one."""
        pair = (self.item, self.right)
        return [[getattr(e, name, None) for name in IDS[:2]] for e in pair]


class Whole:
    """All messages: whether some ages of a version are read in the other's unit."""

    def __init__(self, read):
        self.sizes = False
        for version in (1, 2):
            plain = [e for e in read if e.sent.kind == "plain" and e.meant]
            mine = [e for e in plain if e.part["protocol"] == version]
            wrong = [each for each in mine if each.other_unit]
            old = [e for e in mine if e.part["events"][0]["age"] >= 3_000]
            self.sizes |= bool(wrong) and any(each.item is None for each in old)
            self.example = wrong[0] if wrong else read[0]
            if self.sizes:
                break
        self.event, self.was = self.example.event, self.example.was
        self.read = self.example.read


def misread(name, when):
    """Return a law that a misread event breaks, where it looks like this."""
    return Law(name, lambda s: s.item is not None and when(s), lambda s: s.item is None)


def unread(name, when):
    return misread(name, lambda s: s.strict and when(s))


def wrong_time(name, when):
    return misread(name, lambda s: s.late and when(s))


def picture(seen):
    sound = not seen.raised and seen.unsound is None
    return border.filmed(seen.sent, seen.items if sound else None)


def plain(s, version):
    return s.sent.kind == "plain" and s.part["protocol"] == version


def is_theirs(s):
    return s.states[-1] in border.HELD[1:] and (s.strict or len(s.states) == 1)


def theirs_is_ours(s):
    return s.another_kind and is_theirs(s) and not s.spoiled


def is_naive(s):
    at = getattr(s.unsound, "at", None)
    return isinstance(at, datetime) and at.tzinfo is None


CHECK = Check(
    cases=lambda: ((each.message,) for each in border.sent()),
    seen=Read,
    overall=Whole,
    returns=list[Docked | Taken | DockState | Unreadable],
    wants="a list of `Docked`, `Taken`, `DockState` and `Unreadable`",
    may_raise=(Exception,),
    picture=picture,
    laws=(
        Law("raises", lambda s: all(s.meant), lambda s: not s.raised),
        Law("falls-over", always, lambda s: not s.raised),
        Law("no-time-zone", is_naive, lambda s: s.unsound is None),
        Law("other-types", always, lambda s: s.unsound is None),
        Law("says-not-why", lambda s: s.unsound is None, lambda s: s.bad == "None"),
        misread("in-another-order", lambda s: s.turned),
        unread("too-strict", lambda s: plain(s, 1) and not is_theirs(s)),
        unread("reads-one-version", lambda s: plain(s, 2) and not is_theirs(s)),
        unread("new-field-spoils-it", lambda s: s.sent.kind == "fields"),
        misread("their-available-is-ours", theirs_is_ours),
        Law(
            "one-bad-event-spoils-all", lambda s: not s.raised, lambda s: not s.spoiled
        ),
        Law("loses-reports", lambda s: all(s.meant), lambda s: s.given >= s.count),
        Law("drops-the-unknown", lambda s: not s.counted, lambda s: s.given > s.count),
        Law("more-than-was-said", always, lambda s: s.counted),
        misread("first-of-the-list", lambda s: s.another_kind and len(s.states) > 1),
        wrong_time(
            "drops-the-offset", lambda s: s.offset and abs(s.late) == abs(s.offset)
        ),
        wrong_time("sent-is-not-happened", lambda s: abs(s.item.at - s.at) < SECOND),
        Law("guesses-by-size", always, lambda s: not s.sizes, overall=True),
        wrong_time("one-unit-for-both", lambda s: s.other_unit),
        wrong_time("another-time", always),
        misread("passes-their-words-on", lambda s: border.PREFIX in s.read),
        misread(
            "part-of-a-name",
            lambda s: s.right and not s.another_kind and s.names[0] != s.names[1],
        ),
        misread("another-dock", lambda s: s.right and not s.another_kind),
        misread("guesses-the-unknown", lambda s: s.right is None),
        misread("another-report", always),
    ),
)
