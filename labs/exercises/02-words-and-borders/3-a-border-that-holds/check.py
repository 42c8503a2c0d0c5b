"""Checks exercise 2.3: what a second vendor's messages become at the border."""

from dataclasses import replace
from datetime import datetime, timedelta

from movingparts.check import Check, Law, always, never, shown, where
from movingparts.city.stations.acl import Unreadable
from movingparts.city.stations.model import Docked, Taken
from movingparts.scenes.ch02 import border

SECOND = timedelta(seconds=1)
RESERVED = ("reserved", "non_operational")  # not for rent, but in its clamp


def alike(item, right):
    """Return whether an item says what it should, but for its moment."""
    return type(item) is type(right) and replace(item, at=right.at) == right


def same(item, right):
    """Return whether an item says what it should, and when, to the second."""
    if right is None or isinstance(item, Unreadable):
        return right is None and isinstance(item, Unreadable)
    aware = isinstance(item.at, datetime) and item.at.tzinfo is not None
    return alike(item, right) and aware and abs(item.at - right.at) < SECOND


class Read:
    """A message, and what an answer made of it; `item` is the first that is wrong."""

    item = right = None

    def __init__(self, message, value):
        self.sent = next(each for each in border.sent() if each.message is message)
        self.raised = value if isinstance(value, Exception) else None
        self.error = f"{value!r}{where(value)}" if self.raised else ""
        self.items, meant = [] if self.raised else [*value], self.sent.meant
        self.message, self.version = shown(message, 260), message["protocol"]
        self.given, self.count = len(self.items), len(meant)
        pairs = enumerate(zip(self.items, meant, strict=False))
        wrong = next((n for n, (item, right) in pairs if not same(item, right)), None)
        if wrong is None:
            return
        self.item, self.right = self.items[wrong], meant[wrong]
        event = message["events"][wrong]
        self.event = shown(event, 150)
        self.read, self.was = map(border.in_words, (self.item, self.right))
        self.unread = isinstance(self.item, Unreadable)
        self.another_kind = type(self.item) is not type(self.right)
        beside = "Another event of the message can't be read: read each on its own."
        ahead = "Both versions are in use, and there will be new fields: ignore them."
        self.why = beside if None in meant else ahead
        states = event.get("state") if self.version == 2 else [event.get("state")]
        self.changes = self.right and self.another_kind and len(states) > 1
        self.reserved = self.right and states[-1] in RESERVED


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
        misread("unreadable-for-nothing", lambda s: s.unread and not s.reserved),
        misread("their-available-is-ours", lambda s: s.another_kind and s.reserved),
        Law("drops-the-unknown", always, lambda s: s.given == s.count),
        misread("first-of-the-list", lambda s: s.changes),
        misread("guesses-the-unknown", lambda s: s.right is None),
        misread("another-moment", lambda s: alike(s.item, s.right)),
        misread("another-report", always),
    ),
)
