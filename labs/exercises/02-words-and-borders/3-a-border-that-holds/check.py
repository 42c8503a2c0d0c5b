"""Checks exercise 2.3: what a second vendor's messages become at the border."""

from dataclasses import replace
from datetime import datetime, timedelta

from movingparts.check import Check, Law, always, shown, where
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
        return isinstance(item.why, str) and isinstance(item.text, str)
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


def is_turned(items, meant):
    """Return whether items are right, but for their order."""
    rest = list(items)
    for right in meant:
        found = [n for n, item in enumerate(rest) if same(item, right)]
        if found:
            del rest[found[0]]
    return not rest


class Read:
    """A message, and what an answer made of it; `item` is the first that is wrong."""

    item = right = None
    late = timedelta(0)
    states = (None,)
    strict = another_kind = turned = other_unit = False

    def __init__(self, message, value):
        self.sent = next(each for each in border.sent() if each.message is message)
        self.meant, head = self.sent.meant, self.sent.kind == "head"
        self.raised = value if isinstance(value, Exception) else None
        if self.raised:
            self.error = f"{type(value).__name__}: {value}{where(value)}"
        self.items = [] if self.raised else list(value)
        self.given, self.count = len(self.items), len(self.meant)
        self.unsound = next((e for e in self.items if not is_sound(e)), None)
        unread = [item for item in self.items if isinstance(item, Unreadable)]
        blank = next((item for item in unread if not str(item.why).strip()), None)
        self.bad = shown(self.unsound or blank, 160)
        self.part = message if isinstance(message, dict) else {}
        self.message = self.event = cut(message, 200)
        self.counted = self.given == self.count or (head and self.given > 0)
        mixed = None in self.meant and any(self.meant)
        self.spoiled = 0 < self.given == len(unread) and mixed
        sound = not self.raised and self.unsound is None
        if sound and self.counted and not (head and len(unread) == self.given):
            self._find(self.meant * self.given if head else self.meant, head)
        self.read, self.was = border.in_words(self.item), border.in_words(self.right)

    def _find(self, meant, head):
        pairs = zip(self.items, meant, strict=True)
        wrong = [n for n, (item, right) in enumerate(pairs) if not same(item, right)]
        if not wrong:
            return
        self.item, self.right = self.items[wrong[0]], meant[wrong[0]]
        self.turned = is_turned(self.items, meant)
        if not head:
            self.raw = self.part["events"][wrong[0]]
            self.event = cut(self.raw, 150)
        if self.right is not None:
            self._compare()

    def _compare(self):
        item, right, state = self.item, self.right, self.raw["state"]
        self.states = state if isinstance(state, list) else [state]
        self.strict = isinstance(item, Unreadable)
        jammed = [getattr(each, "jammed", None) for each in (item, right)]
        self.another_kind = type(item) is not type(right) or jammed[0] != jammed[1]
        self.at = datetime.fromisoformat(self.part["sent"])
        self.offset = self.at.utcoffset()
        if not self.another_kind and replace(item, at=right.at) == right:
            self.late = item.at - right.at
            unit = {1: timedelta(milliseconds=1), 2: SECOND}[self.part["protocol"]]
            self.other_unit = abs(self.at - self.raw["age"] * unit - item.at) < SECOND


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


def is_named(s):
    return s.right is not None and not s.another_kind


def names(item):
    return [getattr(item, name, None) for name in IDS[:2]]


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
            lambda s: is_named(s) and names(s.item) != names(s.right),
        ),
        misread("another-dock", is_named),
        misread("guesses-the-unknown", lambda s: s.right is None),
        misread("another-report", always),
    ),
)
