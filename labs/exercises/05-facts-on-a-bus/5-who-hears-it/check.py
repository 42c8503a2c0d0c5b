"""Checks exercise 5.5: what nobody hears, what nobody says, and what never ends."""

from random import Random

from movingparts.check import Check, Law, always, never

NAMES = ("orders", "kitchen", "couriers", "payments", "reviews")
KEYS = ("never published", "never heard", "endless")
PLACED, COOKED = "orders.placed", "kitchen.cooked"
PAID, SENT = "payments.made", "couriers.sent"


def flow(*reactions, starts=(PLACED,), outside=()):
    """Return services that react: to each first event of a pair with the second."""
    services = {}
    for number, (heard, then) in enumerate([*reactions, *((None, s) for s in starts)]):
        name = then.partition(".")[0] if then else f"service-{number}"
        service = services.setdefault(name, {"publishes": [], "on": {}})
        new = [then] if then else []
        service["publishes"] += new
        if heard:
            service["on"].setdefault(heard, []).extend(new)
    return services, set(outside)


def cases():
    """Yield a few small flows by hand, and then larger ones by chance."""
    yield flow(("orders.place", COOKED), (COOKED, ""))
    yield flow(outside=[PLACED])
    two = ((PLACED, COOKED), (PLACED, PAID))
    yield flow(*two, (COOKED, SENT), (PAID, SENT), (SENT, ""))
    yield flow((PLACED, COOKED), (COOKED, PAID), (PAID, COOKED))
    yield flow((PLACED, PLACED))
    yield flow((PLACED, COOKED), (COOKED, PAID), (PAID, PLACED))
    for seed in range(60):
        random, names = Random(seed), NAMES[: 3 + seed // 30]
        events = [f"{name}.{what}" for name in names for what in ("made", "changed")]
        pairs = [random.choices(events, k=2) for _ in range(3 + seed // 8)]
        yield flow(*pairs, starts=random.choices(events, k=2), outside=events[::5])


class Found:
    """What an answer found in a flow, and what there is."""

    def __init__(self, services, outside, value):
        self.keys, parts = sorted(map(str, value)), services.values()
        heard = {event for each in parts for event in each["on"]}
        said = {event for each in parts for event in each["publishes"]}
        self.then = {event: set() for event in heard}
        for event, new in [pair for each in parts for pair in each["on"].items()]:
            self.then[event] |= {*new}
        loops = {event for event in heard if self.way(event, event)}
        true = (heard - said, said - heard - outside, loops)
        got = [{*value.get(key, ())} for key in KEYS]
        more = [one - other for one, other in zip(got, true, strict=True)]
        alone = said.difference(*self.then.values())
        self.started = min(more[0] & alone, default="")
        self.abroad = min(more[1] & outside, default="")
        into = {e for e in more[2] if any(self.way(e, loop) for loop in loops)}
        self.way_in, self.twice = min(into, default=""), min(more[2] - into, default="")
        self.missed = min(loops - got[2], default="")
        loop = self.way(self.missed, self.missed)
        self.steps, self.around = len(loop) - 1, " → ".join(loop)
        pairs = [f"{e} → {listed(self.then[e])}" for e in sorted(heard)]
        self.flow, self.outside = "; ".join(pairs) or "nothing", listed(outside)
        for self.key, one, other in zip(KEYS, got, true, strict=True):
            self.named, self.there = listed(one), listed(other)
            if one != other:
                break
        self.right = got == [*true]

    def way(self, start, end):
        """Return the shortest way from one event to another, or back to itself."""
        ways, seen = [[start]], set()
        for way in ways:
            for new in sorted(self.then.get(way[-1], set()) - seen):
                if new == end:
                    return [*way, new]
                seen.add(new)
                ways.append([*way, new])
        return []


def listed(events):
    return ", ".join(sorted(map(str, events))) or "nothing"


LAWS = (
    Law("three-sets", lambda f: f.keys != sorted(KEYS), never),
    Law("forgets-what-starts", lambda f: f.started, never),
    Law("reports-the-outside", lambda f: f.abroad, never),
    Law("two-ways-are-no-loop", lambda f: f.twice, never),
    Law("leads-into-a-loop", lambda f: f.way_in, never),
    Law("only-back-and-forth", lambda f: f.steps > 2, never),
    Law("another-answer", always, lambda f: f.right),
)
CHECK = Check(
    cases=cases,
    seen=Found,
    laws=LAWS,
    returns=dict[str, set[str] | list[str]],
    wants="a dict of three sets of events",
)
