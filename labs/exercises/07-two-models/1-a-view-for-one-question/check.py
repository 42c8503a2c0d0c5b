"""Checks exercise 7.1: what a view answers, and how much SQLite does for that."""

import sqlite3
from collections import Counter
from contextlib import closing
from random import Random
from types import SimpleNamespace

from movingparts.check import Check, Law, never, of
from movingparts.eventstore import StoredEvent

RUNS = [*("scanned", "unscanned") * 3, "tools", "branches"]
BRANCHES, KINDS = ("North", "Port", "South"), ("drill", "ladder", "saw")


class Shop:
    """The log, where each tool is, and the two processes of an answer."""

    def __init__(self, db, answer):
        self.db, self.answer, self.kinds, self.at, self.last = db, answer, {}, {}, ""
        self.writer, self.website = answer.made(db), answer.made(db)

    def happens(self, what, tool="", **data):
        """Apply one event."""
        if tool:
            self.at[tool], data = data.get("branch"), {"tool": tool, **data}
            self.kinds.setdefault(tool, data.get("kind"))
        self.last = f"{what}({', '.join(map(str, data.values()))})"
        event = StoredEvent(1, tool, 1, "", what, data)
        self.answer.ask(self.writer, "apply", event)

    def see(self, kind, branch):
        right = Counter(self.kinds[tool] for tool in self.at if self.at[tool] == branch)
        self.db.execute("PRAGMA query_only = ON")
        value = self.answer.ask(self.website, "free", branch)
        self.db.execute("PRAGMA query_only = OFF")
        asked = {"kind": kind, "last": self.last, "branch": branch}
        return SimpleNamespace(**asked, right=dict(right), value=value)

    def work(self):
        """Return SQLite's steps for a question, and for two events."""
        steps = []
        self.db.set_progress_handler(lambda: steps.append(1), 1)
        self.answer.ask(self.website, "free", "North")
        asked = len(steps)
        self.happens("ToolRented", "T0")
        self.happens("ToolReturned", "T0", branch="North")
        self.db.set_progress_handler(None, 1)
        return asked, len(steps) - asked


async def run(world, answer, run):
    kind, random = RUNS[run.seed], Random(run.seed)
    with closing(sqlite3.connect(":memory:")) as db:
        shop = Shop(db, answer)
        for n in range(9):
            is_new = {"kind": KINDS[n % 3], "branch": BRANCHES[n // 3]}
            shop.happens("ToolBought", f"T{n}", **is_new)
        if kind.endswith("scanned"):
            rent_and_return(shop, kind, random, run)
        else:
            grow(shop, kind, run)


def rent_and_return(shop, kind, random, run):
    for step in range(40):
        shop.happens("PriceChanged", kind="saw", cents=step)
        tool = random.choice(list(shop.at))
        is_out = shop.at[tool] is None
        forgotten = kind == "unscanned" and step > 15 and random.random() < 0.5
        to = {"branch": random.choice(BRANCHES)} if is_out != forgotten else {}
        try:
            shop.happens("ToolReturned" if to else "ToolRented", tool, **to)
        except Exception as error:
            if forgotten:
                seen = {"kind": "refused", "last": shop.last, "error": error}
                run.see(SimpleNamespace(**seen))
            raise
        for branch in BRANCHES:
            run.see(shop.see(kind, branch))


def grow(shop, kind, run):
    before = shop.work()
    for n in range(200):
        branch = "North" if kind == "tools" else f"Branch {n}"
        shop.happens("ToolBought", f"M{n}", kind=KINDS[n % 3], branch=branch)
    for what, old, new in zip((kind, "apply"), before, shop.work(), strict=True):
        steps = {"times": round(new / max(old, 1)), "flat": new <= 3 * old + 30}
        run.see(SimpleNamespace(kind=what, **steps))


def right(s):
    return s.value == s.right


LAWS = (
    Law("another-answer", of("scanned"), right),
    Law("refuses-what-happened", of("refused"), never),
    Law("trusts-the-scans", of("unscanned"), right),
    Law("counts-the-tools", of("tools", "branches"), lambda s: s.flat),
    Law("counts-all-again", of("apply"), lambda s: s.flat),
)
CHECK = Check(run=run, seeds=range(len(RUNS)), laws=LAWS)
