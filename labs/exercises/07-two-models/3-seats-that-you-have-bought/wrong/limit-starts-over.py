import asyncio


async def answer(view, needs, limit):
    while any(view.position(log) < needs[log] for log in needs):
        try:
            await asyncio.wait_for(view.moved(), limit)
        except TimeoutError:
            return False, view.seats()
    return True, view.seats()
