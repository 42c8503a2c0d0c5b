async def sell(copies, busy, random, send):
    fewest = min(busy[copy] for copy in copies)
    copy = random.choice([copy for copy in copies if busy[copy] == fewest])
    busy[copy] += 1
    try:
        ticket = await send(copy)
    except Exception:
        busy[copy] -= 1
        raise
    busy[copy] -= 1
    return ticket
