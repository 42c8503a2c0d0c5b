"""Checks exercise 7.4: a board whose log answers, is silent, or is far ahead."""

from random import Random

from movingparts.check import Check, Law
from movingparts.scenes.ch07.clinic import Answer, Refused, View

NOW, LIMIT = 100_000, 60
COMMANDS = ("book", "cancel")
HOURS = {"hours": "8 to 17"}


def view(random, newest, complete, polled=None):
    """Return a view; the times are in seconds before now."""
    free = sorted(random.sample(range(9, 17), 2))
    says = {
        "slots": ", ".join(f"{hour}:20" for hour in free),
        "allergies": random.choice(("penicillin", "latex", "none known")),
    }
    polled = polled or random.randint(1, 5)
    return View(HOURS | says, NOW - newest, NOW - complete, NOW - polled)


def views():
    """Yield views by hand, and some by chance."""
    random = Random(7)
    yield view(random, 60, 60)
    yield view(random, 61, 61)
    for _ in range(8):
        since = random.randint(1, 5)
        yield view(random, since + random.randint(1, 50), since, since)
        yield view(random, random.randint(3_600, 30_000), since, since)  # at night
        old = random.choice((random.randint(6, 50), random.randint(61, 500)))
        yield view(random, old + random.randint(1, 300), old)  # the desk is down
        yield view(random, old, random.randint(600, 30_000))  # it is catching up


def cases():
    """Ask each view for everything."""
    for each in views():
        for request in (*HOURS, "slots", "allergies", *COMMANDS):
            yield request, each, NOW


class Reaction:
    """What was asked, what the board did, and how old its view was."""

    def __init__(self, request, view, now, value):
        self.request, self.says = request, view.says.get(request)
        self.refused = isinstance(value, Refused)
        self.newest, self.complete = now - view.newest, now - view.complete
        self.poll, self.right = now - view.polled, min(self.newest, self.complete)
        said = Answer("") if self.refused else value
        self.value, self.age = said.value, said.age
        self.dated = self.age is not None
        self.may = request in ("hours", "slots")
        self.ages = request in ("slots", "allergies")
        self.nurse = request == "allergies"
        self.exact = self.value == self.says and self.age in (None, self.right)
        what = f"said {self.value!r}" + f" with an age of {self.age!r}" * self.dated
        self.did = "refused" if self.refused else what

    def takes(self, age):
        """Whether the board took another time for the age of its view."""
        early = self.nurse and self.refused and age > LIMIT >= self.right
        return self.right != age and (early or self.age == age)


LAWS = (
    Law("decides-itself", lambda r: r.request in COMMANDS, lambda r: r.refused),
    Law("refuses-all", lambda r: r.may, lambda r: not r.refused),
    Law("ages-the-hours", lambda r: r.request == "hours", lambda r: not r.dated),
    Law("hides-the-age", lambda r: r.ages, lambda r: r.refused or r.dated),
    Law("trusts-the-last-poll", lambda r: r.ages, lambda r: not r.takes(r.poll)),
    Law("quiet-night", lambda r: r.ages, lambda r: not r.takes(r.newest)),
    Law("forgets-what-came-in", lambda r: r.ages, lambda r: not r.takes(r.complete)),
    Law("sixty-seconds", lambda r: r.nurse, lambda r: r.refused == (r.right > LIMIT)),
    Law("another-answer", lambda r: not r.refused, lambda r: r.exact),
)
CHECK = Check(
    cases=cases,
    seen=Reaction,
    laws=LAWS,
    returns=Answer,
    wants="an Answer",
    may_raise=(Refused,),
)
