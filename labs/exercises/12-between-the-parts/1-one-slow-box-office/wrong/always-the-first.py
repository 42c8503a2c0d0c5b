async def sell(copies, busy, random, send):
    copy = min(copies, key=lambda each: busy[each])
    busy[copy] += 1
    try:
        return await send(copy)
    finally:
        busy[copy] -= 1
