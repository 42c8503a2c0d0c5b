from types import SimpleNamespace

from solution import call as right


async def call(send, kind, budget, clock, random):
    fixed = SimpleNamespace(uniform=lambda low, high: high)
    return await right(send, kind, budget, clock, fixed)
