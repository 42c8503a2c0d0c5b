from solution import call as right


async def call(send, kind, budget, clock, random):
    before = budget.tokens
    if before >= budget.most:
        budget.most = before + 0.1
    return await right(send, kind, budget, clock, random)
