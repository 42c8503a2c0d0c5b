"""Checks exercise 6.5: a trip's steps, in an order that never has to undo a visa."""

from random import Random

from movingparts.check import Check, Law, always

BOOKINGS = ("train", "hotel", "guide", "museum", "car", "dinner", "insurance")


def step(name, undo, *after, refused=False, database=None):
    """Return a step; each has a database of its own unless it names one."""
    return {
        "name": name,
        "database": database or name,
        "after": list(after),
        "may be refused": refused,
        "undo": undo,
    }


def trip(random):
    """Return a trip that has an order: nothing refusable needs what is final."""
    names = random.sample(BOOKINGS, random.randint(2, 5))
    costs = random.sample(range(0, 200, 5), len(names))
    steps = []
    for n, (name, cost) in enumerate(zip(names, costs, strict=True)):
        after = random.sample(names[:n], min(n, random.choice((0, 0, 1, 2))))
        steps.append(step(name, cost, *after, refused=random.random() < 0.5))
    visa = random.sample(names, random.choice((0, 0, 1)))
    steps.append(step("visa", None, *visa, refused=random.random() < 0.7))
    if random.random() < 0.5:
        steps.append(step("postcard", None, *random.choice(((), ("visa",)))))
    if random.random() < 0.5:
        steps.append(step("luggage", random.choice((0, 30)), "visa"))
        if random.random() < 0.5:
            steps.append(step("porter", 10, "luggage"))
    shared = random.choice(("one", "some", "none", "none", "none"))
    if shared == "one":  # rows only: no transaction can cover a visa
        steps = steps[: len(names)]
    for each in steps:
        if shared == "one" or (shared == "some" and each["undo"] is not None):
            each["database"] = "agency"
    return random.sample(steps, len(steps))


def cases():
    """Yield a few small trips by hand, and then larger ones by chance."""
    one = {"database": "agency"}
    yield ([step("train", 20, **one), step("hotel", 0, **one)],)
    yield ([step("train", 20, "hotel"), step("hotel", 50)],)
    yield ([step("visa", None, refused=True), step("train", 20, refused=True)],)
    yield ([step("visa", None), step("hotel", 0)],)
    yield ([step("postcard", None), step("visa", None, refused=True)],)
    hotel = step("hotel", 50, refused=True)
    yield ([hotel, step("train", 20, refused=True)],)
    for seed in range(80):
        yield (trip(Random(seed)),)


class Planned:
    """A trip, the order that was returned, and where it breaks which rule."""

    def __init__(self, steps, value):
        self.databases = len({each["database"] for each in steps})
        self.none, self.steps = value is None, "; ".join(map(told, steps))
        names, value = [each["name"] for each in steps], value or []
        self.once, self.order = sorted(value) == sorted(names), ", ".join(value)
        self.early = self.late = self.first = self.stays = ""
        self.final = self.second = self.dear = self.cheap = ""
        if self.once:
            known = {each["name"]: each for each in steps}
            self.look([known[name] for name in value])

    def look(self, steps):
        """Find the first place at which each rule is broken."""
        done, final, needs_final = set(), "", set()
        for before, each in zip([None, *steps[:-1]], steps, strict=True):
            name, can_undo = each["name"], each["undo"] is not None
            if missing := {*each["after"]} - done:
                self.early, self.late = self.early or name, self.late or min(missing)
            if final and each["may be refused"]:
                self.final, self.second = self.final or final, self.second or name
            if not can_undo or needs_final & {*each["after"]}:
                needs_final.add(name)
            elif final:
                self.first, self.stays = self.first or final, self.stays or name
            free = before and before["name"] not in each["after"] and can_undo
            both = before and before["may be refused"] and each["may be refused"]
            if free and both and (before["undo"] or 0) > each["undo"]:
                self.dear, self.cheap = before["name"], name
            final, done = final or ("" if can_undo else name), done | {name}


def told(each):
    """Return a step in words."""
    undo = "can't be undone" if each["undo"] is None else f"undo {each['undo']}"
    words = [undo] + ["may be refused"] * each["may be refused"]
    return f"{each['name']} ({', '.join(words)})"


def several(seen):
    return seen.databases > 1


LAWS = (
    Law("saga-in-one-database", lambda s: s.databases == 1, lambda s: s.none),
    Law("no-saga-for-several", several, lambda s: not s.none),
    Law("each-step-once", several, lambda s: s.once),
    Law("ignores-dependencies", several, lambda s: not s.early),
    Law("refused-too-late", several, lambda s: not s.second),
    Law("final-too-early", several, lambda s: not s.stays),
    Law("dearer-first", always, lambda s: not s.dear),
)
CHECK = Check(
    cases=cases,
    seen=Planned,
    laws=LAWS,
    returns=list[str] | None,
    wants="a list of the steps' names, or None",
)
