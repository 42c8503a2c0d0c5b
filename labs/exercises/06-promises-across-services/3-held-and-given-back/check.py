"""Checks exercise 6.3: hold and give back in every order, with crashes."""

import sqlite3
from contextlib import closing
from functools import partial
from types import SimpleNamespace

from movingparts.check import Check, Law, always, of
from movingparts.scenes.ch05.redelivery import Crash, Process

QUICK = "PRAGMA synchronous = OFF;"  # no power fails here
TABLE = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE balances (rider TEXT PRIMARY KEY, cents INTEGER);
    INSERT INTO balances VALUES ('ada', 2000);
"""
PAY_IN = "UPDATE balances SET cents = cents + 1000 WHERE rider = 'ada'"
ORDERS = (  # the law that it shows, the order, Ada's balance after it, the answers
    ("nothing-comes-of-it", "hold", 1100, [True]),
    ("nothing-comes-of-it", "hold give_back", 2000, [True]),
    ("does-it-twice", "hold hold", 1100, [True, True]),
    ("does-it-twice", "hold give_back give_back", 2000, [True]),
    ("takes-too-much", "hold-2500", 2000, [False]),
    ("takes-too-much", "hold-2500 pay-in hold-2500", 3000, [False, False]),
    ("gives-what-it-never-took", "give_back", 2000, []),
    ("gives-what-it-never-took", "hold-2500 give_back-2500", 2000, [False]),
    ("restores-the-old-balance", "hold pay-in give_back", 3000, [True]),
    ("lets-the-late-step-in", "give_back hold", 2000, [False]),
    ("lets-the-late-step-in", "hold give_back hold", 2000, [True, False]),
)
RUNS = [(*order, 0) for order in ORDERS]
RUNS += [("in-memory", *order, 0) for _, *order in ORDERS]  # a process for each word
# It dies right before a statement or commit of the last word, which then comes again.
RUNS += [("keeps-half", *order, n) for n in range(1, 10) for _, *order in ORDERS]


async def run(world, answer, run):
    try_out(answer)
    kind, order, right, expected, step = RUNS[run.seed]
    seen = SimpleNamespace(kind=kind, order=order, right=right, expected=expected)
    seen.step, seen.answers, seen.error = step, [], ""
    path = world.node("billing").disk.path / "data.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(QUICK + TABLE)
        await deliver(seen, lambda: Process(path, partial(made, answer, seen, path)))
        (seen.left,) = db.execute("SELECT cents FROM balances").fetchone()
    run.see(seen)


def try_out(answer):
    """Make a mistake that any call shows a sentence of its own."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLE)
        balances = answer.made(db)
        answer.ask(balances, "hold", "ride-1/hold", "ada", 900)
        answer.ask(balances, "give_back", "ride-1/hold")


def made(answer, seen, path, db):
    """Return what a process does with a word of an order."""
    db.execute(QUICK)
    balances = answer.made(db)

    async def handle(word):
        call, _, cents = word.partition("-")
        key = f"ride-{cents or 1}/hold"
        if call == "hold":
            seen.answers.append(bool(balances.hold(key, "ada", int(cents or 900))))
        elif call == "give_back":
            balances.give_back(key)
        else:
            with closing(sqlite3.connect(path, timeout=0)) as other, other:
                other.execute(PAY_IN)

    return handle


async def deliver(seen, start):
    words, process = seen.order.split(), start()
    for number, word in enumerate(words, 1):
        if seen.kind == "in-memory":
            process.kill()
            process = start()
        if seen.kind == "keeps-half" and number == len(words):
            process.happens(seen.step, process.db.die)
        try:
            done = await process.deliver(word, times=4)
        except Crash:
            process.kill()
            process = start()
            done = await process.deliver(word, times=4)
        seen.error = seen.error if done else process.error
    process.kill()


def balanced(seen):
    return seen.left == seen.right


LAWS = (
    Law("nothing-comes-of-it", of("nothing-comes-of-it"), balanced),
    Law("keeps-raising", always, lambda s: not s.error),
    *(Law(n, of(n), balanced) for n in dict.fromkeys(o[0] for o in ORDERS[2:])),
    Law("in-memory", of("in-memory"), balanced),
    Law("answers-otherwise", lambda s: not s.step, lambda s: s.answers == s.expected),
    Law("keeps-half", of("keeps-half"), balanced),
)
CHECK = Check(run=run, seeds=range(len(RUNS)), laws=LAWS)
