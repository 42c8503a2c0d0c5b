import asyncio


async def answer(view, needs, limit):
    await asyncio.sleep(limit)
    return all(view.position(log) >= needs[log] for log in needs), view.seats()
