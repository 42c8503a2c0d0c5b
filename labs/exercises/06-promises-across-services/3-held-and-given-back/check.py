"""Checks exercise 6.3: hold and give back in every order, with crashes and races."""

import sqlite3
from contextlib import closing, suppress
from functools import partial
from types import SimpleNamespace

from movingparts.check import Check, Law, always
from movingparts.scenes.ch05.redelivery import Crash, Process

QUICK = "PRAGMA synchronous = OFF;"  # no power fails here
TABLE = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE balances (rider TEXT PRIMARY KEY, cents INTEGER);
    INSERT INTO balances VALUES ('ada', 2000);
"""
PAY_IN = "UPDATE balances SET cents = cents + 1000 WHERE rider = 'ada'"
CALLS = {  # what a word of an order does; somebody else does "pay-in"
    "hold": ("hold", "ride-1/hold", "ada", 900),
    "give_back": ("give_back", "ride-1/hold"),
    "hold-2500": ("hold", "ride-2/hold", "ada", 2500),
    "give_back-2500": ("give_back", "ride-2/hold"),
}
ORDERS = (  # the law that it shows, the order, Ada's balance after it, the answers
    ("takes-nothing", "hold", 1100, [True]),
    ("overdraws", "hold-2500", 2000, [False]),
    ("takes-twice", "hold hold", 1100, [True, True]),
    ("gives-nothing-back", "hold give_back", 2000, [True]),
    ("gives-what-it-never-took", "give_back", 2000, []),
    ("gives-what-it-never-took", "hold-2500 give_back-2500", 2000, [False]),
    ("restores-the-old-balance", "hold pay-in give_back", 3000, [True]),
    ("undoes-twice", "hold give_back give_back", 2000, [True]),
    ("lets-the-late-step-in", "give_back hold", 2000, [False]),
    ("lets-the-late-step-in", "give_back hold hold", 2000, [False, False]),
    ("lets-the-late-step-in", "hold give_back hold", 2000, [True, False]),
    ("forgets-its-refusal", "hold-2500 pay-in hold-2500", 3000, [False, False]),
)
STEPS = range(1, 10)
RUNS = [(*order, 0) for order in ORDERS]
RUNS += [("in-memory", *order, 0) for _, *order in ORDERS]  # a process for each word
for step in STEPS:
    # It dies in the last word, which then comes again; or another process gets the
    # last word in the middle of the one before.
    RUNS += [("keeps-half", *ORDERS[n][1:], step) for n in (0, 3, 7, 8)]
    RUNS += [("check-then-act", *ORDERS[n][1:], step) for n in (2, 3, 7, 8, 10)]


async def run(world, answer, run):
    try_out(answer)
    law, order, right, expected, step = RUNS[run.seed]
    seen = SimpleNamespace(law=law, order=order, right=right, expected=expected)
    seen.step, seen.answers, seen.returned, seen.error = step, [], True, ""
    path = world.node("billing").disk.path / "data.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(QUICK + TABLE)
        await deliver(seen, lambda: Process(path, partial(made, answer, seen)), db)
        (seen.left,) = db.execute("SELECT cents FROM balances").fetchone()
    run.see(seen)


def try_out(answer):
    """Make a mistake that any call shows a sentence of its own."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLE)
        balances = answer.made(db)
        for method, *how in CALLS.values():
            answer.ask(balances, method, *how)


def made(answer, seen, db):
    db.execute(QUICK)
    balances = answer.made(db)

    async def handle(word):
        method, *arguments = CALLS[word]
        value = getattr(balances, method)(*arguments)
        if method == "hold":
            seen.answers.append(bool(value))

    return handle


async def deliver(seen, start, db):
    *before, last = seen.order.split()
    between = before.pop() if seen.law == "check-then-act" else ""
    process = start()
    for word in before:
        if word == "pay-in":
            with db:
                db.execute(PAY_IN)
        else:
            await once(seen, process, word)
        if seen.law == "in-memory":
            process.kill()
            process = start()
    if seen.law == "keeps-half":
        process.happens(seen.step, process.db.die)
        with suppress(Crash):
            await once(seen, process, last)
        process.kill()
        process = start()
    if between:
        other = start()
        process.happens(seen.step, lambda: other.meanwhile(last))
        await once(seen, process, between)
        other.kill()
    await once(seen, process, last)
    process.kill()


async def once(seen, process, word):
    seen.returned = await process.deliver(word, times=4) and seen.returned
    seen.error = seen.error or process.error


def of(law):
    return lambda seen: seen.law == law and seen.returned


def balanced(seen):
    return seen.left == seen.right


LAWS = (
    *(Law(name, of(name), balanced) for name in dict.fromkeys(o[0] for o in ORDERS)),
    Law("keeps-raising", always, lambda s: s.returned),
    Law("in-memory", of("in-memory"), balanced),
    Law("answers-otherwise", lambda s: not s.step, lambda s: s.answers == s.expected),
    Law("keeps-half", of("keeps-half"), balanced),
    Law("check-then-act", of("check-then-act"), balanced),
)
CHECK = Check(run=run, seeds=range(len(RUNS)), laws=LAWS)
