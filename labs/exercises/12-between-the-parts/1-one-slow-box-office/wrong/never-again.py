async def sell(copies, busy, random, send):
    fewest = min(busy[copy] for copy in copies)
    copy = random.choice([copy for copy in copies if busy[copy] == fewest])
    busy[copy] += 1
    ticket = await send(copy)
    busy[copy] -= 1
    return ticket
