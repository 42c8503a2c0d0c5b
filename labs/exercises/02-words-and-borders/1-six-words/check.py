"""Checks exercise 2.1: six services live through stories, and are asked."""

from datetime import datetime, timedelta, timezone

from movingparts.check import Check, Law, always
from movingparts.scenes.ch02.stories import LATE, WORDS, filmed, moments

AHEAD = timezone(timedelta(hours=2))


def cases():
    """Yield what an answer gets at each moment; then again, with a clock elsewhere."""
    for moment in moments():
        yield moment.events, moment.now
    for moment in moments():
        yield moment.events, moment.now.astimezone(AHEAD)


class Asked:
    """What was known at a moment, what the services answered, and what you did."""

    def __init__(self, events, now, value):
        self.now, self.value = now, value
        self.keys = ", ".join(map(str, value)) or "none"
        self.moment = next(each for each in moments() if each.events is events)
        self.phrase, self.true = self.moment.phrase, self.moment.answers
        self.wrong = [word for word in WORDS if value.get(word) != self.true[word]]
        self.elsewhere = now.utcoffset() != timedelta(0)
        self.last, self.place = {}, {}
        for place, (name, data) in enumerate(events):
            self.last[name], self.place[name] = data, place
        docked = self.last["stations.bike-docked"]["dock_id"] is not None
        here = self.since("stations.bike-docked", "stations.bike-left")
        self.in_a_dock, self.beside = here and docked, here and not docked
        changed = self.since("stations.dock-changed", "stations.bike-docked")
        self.jammed = changed and self.last["stations.dock-changed"]["jammed"]
        self.locked = self.in_a_dock and not self.jammed
        self.riding = self.since("rides.ride-started", "rides.ride-ended")
        self.state = self.last["fleet.condition-changed"]["vehicle_state"]
        self.fit, self.good = self.state == "available", self.true["riders"]
        billing = [name for name in self.place if name.startswith("billing.")]
        self.paid = max(billing, key=self.place.get, default="").partition("-")[2]
        if self.since("rides.ride-cancelled", "billing.payment-authorized"):
            self.paid = self.paid.replace("authorized", "void")
        reserved, closed = (
            "availability.bike-reserved",
            "availability.reservation-closed",
        )
        until = self.last.get(reserved, {}).get("until")
        self.until = until and datetime.fromisoformat(until)
        self.lapsed = until and now >= self.until
        self.reserved = bool(self.since(reserved, closed) and not self.lapsed)
        self.busy = self.reserved or self.riding
        self.free = self.locked and self.fit and not self.reserved

    def since(self, name, other):
        """Return whether an event was published, and the other one not since."""
        return self.place.get(name, -1) > self.place.get(other, -1)

    @property
    def bike(self):
        """What is known of the bike, in words."""
        where = "is not at a station"
        if self.beside:
            where = "stands beside a station, in no dock"
        elif self.in_a_dock:
            where = f"is in a {'jammed' if self.jammed else 'working'} dock"
        parts = [where, *(["on a ride"] if self.riding else [])]
        parts += [] if self.fit else [f"`{self.state}`"]
        if self.reserved:
            parts += [f"reserved until {self.until:%H:%M}"]
        *first, last = parts
        return f"{', '.join(first)} and {last}" if first else last

    @property
    def first_wrong(self):
        """The first service about which the answer is wrong."""
        return self.wrong[0] if self.wrong else WORDS[0]

    @property
    def answers(self):
        """What that service answers."""
        return "yes" if self.true[self.first_wrong] else "no"

    @property
    def you(self):
        """What the answer says instead."""
        return "no" if self.true[self.first_wrong] else "yes"


class Whole:
    """All that was asked: whether one flag or an anomaly decided it."""

    def __init__(self, asked):
        answered = [tuple(each.value.get(word) for word in WORDS) for each in asked]
        self.one_flag = all(len(set(each)) == 1 for each in answered)
        self.late = next(each for each in asked if each.phrase == LATE)
        story = self.late.moment.story
        before = next(n for n, each in enumerate(asked) if each.moment.story == story)
        self.moved = answered[before] != answered[asked.index(self.late)]
        mixed = [each for each in asked if sum(each.true.values()) in (2, 3, 4)]
        self.example = mixed[0] if self.one_flag else self.late
        self.phrase = self.example.phrase
        yes = [word for word in WORDS if self.example.true[word]]
        self.yes = ", ".join(yes)
        self.no = ", ".join(word for word in WORDS if word not in yes)


def law(name, word, when):
    """Return a law: what one service answers, in one situation."""
    return Law(
        name,
        lambda s: not s.elsewhere and when(s),
        lambda s: s.value.get(word) == s.true[word],
    )


def paid(name):
    return lambda s: s.paid == name


CHECK = Check(
    cases=cases,
    seen=Asked,
    overall=Whole,
    returns=dict[str, bool],
    wants=f"a dict with a bool for each of {', '.join(WORDS)}",
    picture=lambda s: filmed(s.moment, s.wrong or WORDS),
    laws=(
        Law("other-keys", always, lambda s: set(s.value) == set(WORDS)),
        Law("one-flag-for-all", always, lambda s: not s.one_flag, overall=True),
        Law("anomaly-as-news", always, lambda s: not s.moved, overall=True),
        law("gone-is-docked", "stations", lambda s: not s.in_a_dock and not s.beside),
        law("beside-is-docked", "stations", lambda s: s.beside),
        law("jammed-is-docked", "stations", lambda s: s.jammed),
        law("promisable-means-docked", "stations", lambda s: not s.free),
        law("promisable-means-free", "rides", lambda s: not s.free and not s.riding),
        law("riding-is-free", "rides", lambda s: s.riding and not s.in_a_dock),
        law("docked-means-free", "rides", lambda s: s.riding and s.in_a_dock),
        law("promisable-means-fit", "fleet", lambda s: s.fit and not s.free),
        law("unfit-is-fit", "fleet", lambda s: not s.fit),
        law("not-locked-is-promised", "availability", lambda s: not s.locked),
        law("flagged-is-promised", "availability", lambda s: not s.fit),
        law("promised-twice", "availability", lambda s: s.reserved),
        law("the-rider-counts", "availability", lambda s: not s.good),
        law("lapsed-still-holds", "availability", lambda s: s.lapsed and not s.paid),
        law("declined-means-taken", "availability", paid("declined")),
        law("closed-still-holds", "availability", lambda s: s.until and not s.riding),
        law("anyone-may-ride", "riders", lambda s: not s.good),
        law("standing-is-not-enough", "riders", lambda s: not s.busy and not s.paid),
        law("busy-may-not-ride", "riders", lambda s: s.busy and s.paid != "declined"),
        law("declined-means-suspended", "riders", paid("declined")),
        law("not-declined-is-paid", "billing", lambda s: s.paid in ("", "declined")),
        law("authorized-forever", "billing", paid("charged")),
        law("void-is-authorized", "billing", paid("void")),
        law("over-is-charged", "billing", lambda s: not s.riding),
        Law("another-word", lambda s: not s.elsewhere, lambda s: not s.wrong),
        Law("reads-the-local-time", always, lambda s: not s.wrong),
    ),
)
