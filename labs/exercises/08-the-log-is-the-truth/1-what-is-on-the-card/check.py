"""Checks exercise 8.1: a prepaid card's events, folded, and why it is as it is."""

from random import Random

from movingparts.check import Check, Law, always

KEYS = ("balance", "blocked")
PAIRS = dict.fromkeys(KEYS, 2)
BY_HAND = (
    "",
    "L R",
    "L P L",
    "L O",
    "P L",
    "L B P U",
    "L P C2",
    "L P C2 F2",
    "L P F2 P F2",
    "B B U",
    "U B B R",
)


def cases():
    """Yield a few small streams by hand, and then larger ones by chance.

    Payments that would be refused today are in those that have no corrections.
    """
    for letters in BY_HAND:
        yield (stream(letters.split()),)
    for seed in range(60):
        random, letters = Random(seed), ["L", "P"]
        kinds = ("LP", "LO", "CR", "FU", "CF", "B") if seed % 2 else "LPOBUR"
        while len(letters) < 4 + seed // 6:
            for kind in random.choice(kinds):
                paid = [n for n, each in enumerate(letters, start=1) if each in "PO"]
                to = random.choice(paid) if kind in "CF" else ""
                letters.append(f"{kind}{to}")
        yield (stream(letters),)


def stream(letters):
    """Return events: a load, payments of today and of old, corrections, and others."""
    return [{"number": n, **event(*each)} for n, each in enumerate(letters, start=1)]


def event(kind, *payment):
    match kind:
        case "L":
            return {"type": "Loaded", "cents": 1000}
        case "P" | "O":
            return {"type": "Paid", "cups": 2, "cents": 700 if kind == "P" else 600}
        case "C" | "F":
            to = {"payment": int("".join(payment)), "cents": 350 if kind == "C" else 0}
            return {"type": "PaymentCorrected", **to}
    names = {"B": "Blocked", "U": "Unblocked", "R": "ReceiptPrinted"}
    return {"type": names[kind], "by": "bea"}


class Seen:
    """What an answer says about a card, what is right, and what is special here."""

    def __init__(self, events, value):
        self.value, self.special, self.took = value, set(), {}
        self.story = ", ".join(map(told, events)) or "none"
        self.states = [(0, False)]
        for each in events:
            self.states.append(self.after(each, *self.states[-1]))
        self.right = {key: self.last(place) for place, key in enumerate(KEYS)}
        self.is_pairs = {key: len(pair) for key, pair in value.items()} == PAIRS
        got = value if self.is_pairs else dict.fromkeys(KEYS, (None, None))
        self.balance, self.blocked = (got[key][0] for key in KEYS)
        self.right_balance, self.right_blocked = self.states[-1]
        wrong = [key for key in KEYS if got[key][1] != self.right[key]]
        self.key = (wrong or KEYS)[0]
        self.named, self.right_named = got[self.key][1], self.right[self.key]

    def after(self, event, cents, blocked):
        kind = event["type"]
        new = event.get("cents", 0)
        if kind == "Paid" and (blocked or new > cents):
            self.special.add("refused")
        if kind == "Paid" and new == 600:
            self.special.add("old price")
        if kind in ("Paid", "PaymentCorrected"):
            number = event.get("payment", event["number"])
            before, count = self.took.get(number, (0, 0))
            self.special |= {("corrected", "again")[n] for n in range(count)}
            self.took[number] = (new, min(count + 1, 2))
            new = before - new
        return cents + new, {"Blocked": True, "Unblocked": False}.get(kind, blocked)

    def last(self, place):
        """Return the number of the event that last changed a part of the state."""
        parts = [state[place] for state in self.states]
        changes = [n for n in range(1, len(parts)) if parts[n] != parts[n - 1]]
        return max(changes, default=0)


def told(event):
    cents = f" {event['cents']}" if "cents" in event else ""
    payment = f" of {event['payment']}:" if "payment" in event else ""
    return f"{event['number']} {event['type']}{payment}{cents}"


def only(*special):
    """When nothing else is special about a card."""
    return lambda s: s.special <= {*special}


def adds_up(seen):
    return seen.balance == seen.right_balance


LAWS = (
    Law("not-two-pairs", always, lambda s: s.is_pairs),
    Law("does-not-add-up", only(), adds_up),
    Law("todays-price", only("old price"), adds_up),
    Law("decides-again", only("old price", "refused"), adds_up),
    Law("adds-the-correction", only("old price", "corrected"), adds_up),
    Law("corrects-the-first", only("old price", "corrected", "again"), adds_up),
    Law("does-not-add-up", always, adds_up),
    Law("not-blocked", always, lambda s: s.blocked == s.right_blocked),
    Law("nothing-changed", always, lambda s: s.named == s.right_named),
)
CHECK = Check(
    cases=cases,
    seen=Seen,
    laws=LAWS,
    returns=dict[str, list[int | bool]],
    wants="a dictionary of two pairs",
)
