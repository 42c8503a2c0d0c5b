import asyncio
from contextlib import suppress


async def answer(view, needs, limit):
    def is_new_enough():
        return all(view.position(log) >= needs[log] for log in needs)

    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            while not is_new_enough():
                await view.moved()
    return is_new_enough(), view.seats()
