from solution import call as right


async def call(send, kind, budget, clock, random):
    budget.tokens -= 0.1
    return await right(send, kind, budget, clock, random)
