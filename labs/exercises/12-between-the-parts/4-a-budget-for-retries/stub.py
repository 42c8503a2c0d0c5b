async def call(send, kind, budget, clock, random):
    raise NotImplementedError("Exercise 12.4: ask again, on a budget")
