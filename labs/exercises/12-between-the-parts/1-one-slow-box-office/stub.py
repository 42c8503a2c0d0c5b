async def sell(copies, busy, random, send):
    raise NotImplementedError("Exercise 12.1: sell where the line is short")
