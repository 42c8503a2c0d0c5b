"""Checks exercise 11.4: one order with a fault in it, and then many at once."""

from movingparts.check import Check, Law, always
from movingparts.core.random import Constant
from movingparts.function import Platform, Profile, Retry, SimulatedBackend
from movingparts.scenes.ch11.database import TooManyConnections
from movingparts.scenes.ch11.seedbank import LIMIT, Bank, Call

SOURCE = """
async def handler(event, context):
    return await call(event)
"""
# Which step fails, once, with which error; then, how many orders come within 2 s.
BUSY = TooManyConnections(f"{LIMIT} are open")
LOST = ConnectionError("the connection was lost")
PLANS = [
    ("One order", 0, None, 1),
    ("One order, and the database is busy", 1, BUSY, 1),
    ("One order, and the first query fails", 2, LOST, 1),
    ("One order, and the post is closed", 3, ConnectionError("closed until later"), 1),
    ("One order, and the database is busy after the post", 4, BUSY, 1),
    ("One order, and the second query fails", 5, LOST, 1),
    ("Forty orders within two seconds", 0, None, 40),
]


async def run(world, answer, run):
    kind, fails, error, count = PLANS[run.seed]
    node = world.node("seed bank")
    bank = Bank(world.clock, fails, error)

    async def call(order):
        seen = Call(bank, kind, order)
        seen.value = await answer.awaited(order, seen, seen)
        seen.after = seen.held()
        run.see(seen)
        if seen.raised:
            raise seen.value

    profile = Profile(run=Constant(0.0))
    layers = {"call": call}
    backend = SimulatedBackend(node.clock, node.random, {"orders": profile}, layers)
    platform = Platform(node, backend)
    await platform.deploy("orders", SOURCE, timeout=60, retry=Retry(first=1.0))
    orders = [f"order {number + 1}" for number in range(count)]
    for order in orders:
        if run.step(order):
            platform.send("orders", order)
        await world.clock.sleep(2.0 / count)
    while len(platform.queue):
        await world.clock.sleep(1.0)
    sent = [order for order in orders if order in run.steps]
    last = Call(bank, kind, "all orders", refused=bank.refused)
    last.left = sum(order not in bank.marked for order in sent)
    run.see(last)


def ended(call):
    return call.order != "all orders" and not call.raised


LAWS = (
    Law("error-swallowed", lambda c: c.fault, lambda c: c.raised),
    Law("left-open", lambda c: not c.raised, lambda c: not c.after),
    Law("left-open-on-error", lambda c: c.raised, lambda c: not c.after),
    Law("held-while-waiting", always, lambda c: not c.during),
    Law("marked-too-soon", always, lambda c: not c.early),
    Law("not-done", ended, lambda c: c.done == (f"address of {c.order}", True)),
    Law("given-up", always, lambda c: not c.left),
)
CHECK = Check(
    run=run,
    seeds=range(len(PLANS)),
    laws=LAWS,
    may_raise=(ConnectionError, TooManyConnections),
)
