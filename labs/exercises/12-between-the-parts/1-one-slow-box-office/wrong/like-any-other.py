async def sell(copies, busy, random, send):
    return await send(random.choice(copies))
