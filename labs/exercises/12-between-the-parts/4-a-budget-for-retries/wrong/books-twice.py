from solution import call as right


async def call(send, kind, budget, clock, random):
    return await right(send, "search", budget, clock, random)
