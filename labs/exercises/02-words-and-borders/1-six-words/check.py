"""Checks exercise 2.1: six services live through stories, and are asked."""

from movingparts.check import Check, Law, always, never
from movingparts.scenes.ch02.stories import WORDS, filmed, moments

MEANS = {
    "stations": "the bike is locked in a working dock",
    "rides": "the bike is on no ride, as far as rides knows",
    "fleet": "the bike needs no repair",
    "availability": "the bike can be promised to someone",
    "riders": "the rider may ride",
    "billing": "the payment for the ride is authorized, and not charged yet",
}


class Asked:
    """What was known at a moment, what the services answered, and what you did."""

    def __init__(self, events, value):
        self.moment = next(each for each in moments() if each.events is events)
        self.phrase, self.value = self.moment.phrase, value
        self.true = self.moment.answers
        self.keys = ", ".join(map(str, value)) or "none"
        self.wrong = [word for word in WORDS if value.get(word) != self.true[word]]
        self.word = (self.wrong or WORDS)[0]
        self.meaning, yes = MEANS[self.word], self.true[self.word]
        self.answers, self.you = ("yes", "no") if yes else ("no", "yes")
        self.yes = ", ".join(word for word in WORDS if self.true[word])
        self.no = ", ".join(word for word in WORDS if not self.true[word])
        self.known = [name for name, data in events if data.get("jammed", True)]

    def says_yes(self, word):
        """Return whether the answer is yes where the service says no."""
        return self.value.get(word) and not self.true[word]

    def last(self, *names):
        """Return the last event of some names; a dock that works again is none."""
        return next((name for name in reversed(self.known) if name in names), "")


class All:
    """All answers together: whether one flag decides them."""

    def __init__(self, seen):
        flags = [{each.value.get(word) for word in WORDS} for each in seen]
        self.one_flag = all(len(each) == 1 for each in flags)
        self.example = max(seen, key=lambda each: each.no.count(","))
        self.phrase, self.yes = self.example.phrase, self.example.yes
        self.no = self.example.no


def in_a_dock(seen):
    places = "stations.bike-docked", "stations.bike-left"
    return seen.last(*places) == places[0]


def flagged(seen):
    fleet_is_right = not seen.true["fleet"] and not seen.says_yes("fleet")
    return seen.true["stations"] and fleet_is_right


def reserved(seen):
    return seen.true["stations"] and seen.true["fleet"]


def charged(seen):
    return "billing.fare-charged" in seen.known


def yes_instead_of_no(name, word, when):
    """Return a law: in one situation, a service says no, and the answer says yes."""
    return Law(name, lambda s: when(s) and s.says_yes(word), never)


CHECK = Check(
    cases=lambda: ((moment.events,) for moment in moments()),
    seen=Asked,
    overall=All,
    returns=dict[str, bool],
    wants=f"a dict with a bool for each of {', '.join(WORDS)}",
    picture=lambda s: filmed(s.moment, s.wrong or WORDS),
    laws=(
        Law("other-keys", always, lambda s: {*s.value} == {*WORDS}),
        Law("one-flag-for-all", always, lambda s: not s.one_flag, overall=True),
        yes_instead_of_no("jammed-is-docked", "stations", in_a_dock),
        yes_instead_of_no("docked-means-free", "rides", in_a_dock),
        yes_instead_of_no("flagged-is-promised", "availability", flagged),
        yes_instead_of_no("promised-twice", "availability", reserved),
        yes_instead_of_no("authorized-forever", "billing", charged),
        Law("another-word", always, lambda s: not s.wrong),
    ),
)
