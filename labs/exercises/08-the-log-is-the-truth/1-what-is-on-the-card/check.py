"""Checks exercise 8.1: a prepaid card's events, folded, and why it is as it is."""

from random import Random
from typing import Literal

from movingparts.check import Check, Law, always

KEYS = ("balance", "blocked")
KINDS = {
    "L": {"type": "Loaded", "cents": 1000},
    "P": {"type": "Paid", "cups": 2, "cents": 700},
    "O": {"type": "Paid", "cups": 2, "cents": 600},  # at an old price
    "C": {"type": "PaymentCorrected", "cents": 350},
    "F": {"type": "PaymentCorrected", "cents": 0},
    "B": {"type": "Blocked", "by": "bea"},
    "U": {"type": "Unblocked", "by": "bea"},
    "R": {"type": "ReceiptPrinted", "by": "bea"},
}
BY_HAND = ["", "LR", "LPL", "LO", "PL", "LBPU", "LPC", "LPCF", "LPFPF", "BBU", "UBBR"]


def cases():
    """Yield a few small streams by hand, and then larger ones by chance.

    Payments that would be refused today are in those that have no corrections.
    """
    streams = [[*letters] for letters in BY_HAND]
    for seed in range(60):
        random, count = Random(seed), 2 + seed // 6
        kinds = ("LP", "LO", "CR", "FU", "CF") if seed % 2 else "LPOBUR"
        streams.append([*("LP" + "".join(random.choices(kinds, k=count)))])
    for number, letters in enumerate(streams):
        yield (stream(letters, Random(number)),)


def stream(letters, random):
    """Return events; a correction is of any payment before it."""
    events, paid = [], []
    for number, letter in enumerate(letters, start=1):
        paid += [number] * (letter in "PO")
        of = {"payment": random.choice(paid)} if letter in "CF" else {}
        events.append({"number": number, **KINDS[letter], **of})
    return events


def fold(events):
    took, loaded, blocked = {}, 0, False
    for event in events:
        match event["type"]:
            case "Loaded":
                loaded += event["cents"]
            case "Paid" | "PaymentCorrected":
                took[event.get("payment", event["number"])] = event["cents"]
            case "Blocked" | "Unblocked":
                blocked = event["type"] == "Blocked"
    return {"balance": loaded - sum(took.values()), "blocked": blocked}


class Seen:
    """What an answer says about a card, what is right, and what is special here."""

    def __init__(self, events, value):
        states = [fold(events[:n]) for n in range(len(events) + 1)]
        before = zip(events, states, states[1:], strict=False)
        self.special = {
            "old price": any(each.items() >= KINDS["O"].items() for each in events),
            "corrected": any("payment" in each for each in events),
            "refused": any(
                each["type"] == "Paid" and (was["blocked"] or now["balance"] < 0)
                for each, was, now in before
            ),
        }
        self.value, self.story = value, ", ".join(map(told, events)) or "none"
        got = dict.fromkeys(KEYS, (None, None)) | value
        self.balance, self.blocked = (got[key][0] for key in KEYS)
        self.right_balance, self.right_blocked = (states[-1][key] for key in KEYS)
        for self.key in KEYS:
            parts = [state[self.key] for state in states]
            last = [n for n in range(1, len(parts)) if parts[n] != parts[n - 1]]
            self.named, self.right_named = got[self.key][1], max(last, default=0)
            if self.named != self.right_named:
                break


def told(event):
    of = f" of {event['payment']}:" if "payment" in event else ""
    return f"{event['number']} {event['type']}{of} {event.get('cents', '')}".rstrip()


def only(*special):
    """When nothing else is special about a card."""
    return lambda s: all(each in special for each, there in s.special.items() if there)


def adds_up(seen):
    return seen.balance == seen.right_balance


LAWS = (
    Law("does-not-add-up", only(), adds_up),
    Law("todays-price", only("old price"), adds_up),
    Law("decides-again", only("old price", "refused"), adds_up),
    Law("another-correction", only("old price", "corrected"), adds_up),
    Law("does-not-add-up", always, adds_up),
    Law("not-blocked", always, lambda s: s.blocked == s.right_blocked),
    Law("nothing-changed", always, lambda s: s.named == s.right_named),
)
CHECK = Check(
    cases=cases,
    seen=Seen,
    laws=LAWS,
    returns=dict[Literal["balance", "blocked"], tuple[int | bool, int]],
    wants="a dictionary of two pairs, `balance` and `blocked`",
)
