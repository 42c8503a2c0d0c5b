async def sell(copies, busy, random, send):
    fewest = min(busy[copy] for copy in copies)
    copy = random.choice([copy for copy in copies if busy[copy] == fewest])
    busy[copy] += 1
    try:
        return await send(copy)
    finally:
        busy[copy] -= 1
