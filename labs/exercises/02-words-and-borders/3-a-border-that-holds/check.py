"""Checks exercise 2.3: what a second vendor's messages become at the border."""

from dataclasses import replace
from datetime import datetime, timedelta

from movingparts.check import Check, Law, always, never, shown, where
from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import Docked, Taken
from movingparts.scenes.ch02 import border

RESERVED = ["reserved"], ["non_operational"]  # not for rent, but in its clamp
OTHER_UNIT = {1: timedelta(milliseconds=1), 2: timedelta(seconds=1)}


def is_at(item, at):
    """Return whether an item is of a moment, to the second."""
    given = item.at
    aware = isinstance(given, datetime) and given.tzinfo is not None
    return aware and abs(given - at) < timedelta(seconds=1)


def same(item, right):
    """Return whether an item says what it should."""
    if right is None or isinstance(item, Unreadable):
        return right is None and isinstance(item, Unreadable)
    alike = type(item) is type(right) and replace(item, at=right.at) == right
    return alike and is_at(item, right.at)


class Read:
    """A message, and what an answer made of it; `item` is the first that is wrong."""

    item = right = None
    states, sent_at, other_unit, is_clear = [], False, False, False

    def __init__(self, message, value):
        self.sent = next(each for each in border.sent() if each.message is message)
        self.raised = value if isinstance(value, Exception) else None
        self.error = f"{value!r}{where(value)}" if self.raised else ""
        self.items, meant = [] if self.raised else [*value], self.sent.meant
        self.message, self.version = shown(message, 260), message["protocol"]
        self.given, self.count = len(self.items), len(meant)
        unread = all(isinstance(item, Unreadable) for item in self.items)
        self.spoiled = self.given and unread and None in meant and any(meant)
        pairs = enumerate(zip(self.items, meant, strict=False))
        wrong = next((n for n, (item, right) in pairs if not same(item, right)), None)
        if wrong is not None:
            self.item, self.right = self.items[wrong], meant[wrong]
            self._describe(message["events"][wrong])

    def _describe(self, event):
        self.event = shown(event, 150)
        self.read, self.was = map(border.in_words, (self.item, self.right))
        self.unread = isinstance(self.item, Unreadable)
        self.another_kind = type(self.item) is not type(self.right)
        if self.right is not None:
            state, age = event["state"], event["age"]
            self.states = state if isinstance(state, list) else [state]
            is_new = self.version == 2 and self.states == ["available"]
            self.is_clear = is_new or self.sent.has_more
            if not self.unread and not is_at(self.item, self.right.at):
                late = border.NOON - age * OTHER_UNIT[self.version]
                self.sent_at = is_at(self.item, border.NOON)
                self.other_unit = is_at(self.item, late)


def misread(name, when):
    """Return a law that a misread event breaks, where it looks like this."""
    return Law(name, lambda s: s.item is not None and when(s), never)


CHECK = Check(
    cases=lambda: ((each.message,) for each in border.sent()),
    seen=Read,
    returns=list[Docked | Taken | Unreadable],
    wants="a list of `Docked`, `Taken` and `Unreadable`",
    may_raise=(Exception,),
    picture=lambda s: border.filmed(s.sent, None if s.raised else s.items),
    laws=(
        Law("falls-over", always, lambda s: not s.raised),
        misread("unreadable-for-nothing", lambda s: s.unread and s.is_clear),
        misread(
            "their-available-is-ours",
            lambda s: s.sent.is_plain and s.another_kind and s.states in RESERVED,
        ),
        Law("one-bad-event-spoils-all", always, lambda s: not s.spoiled),
        Law("drops-the-unknown", always, lambda s: s.given == s.count),
        misread("first-of-the-list", lambda s: s.another_kind and len(s.states) > 1),
        misread("sent-is-not-happened", lambda s: s.sent_at),
        misread("one-unit-for-both", lambda s: s.other_unit),
        misread("guesses-the-unknown", lambda s: s.right is None),
        misread("another-report", always),
    ),
)
