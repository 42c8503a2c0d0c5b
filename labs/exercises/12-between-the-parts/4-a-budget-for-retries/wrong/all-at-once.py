from types import SimpleNamespace

from solution import call as right


async def call(send, kind, budget, clock, random):
    fixed = SimpleNamespace(uniform=max)
    return await right(send, kind, budget, clock, fixed)
