import asyncio
from contextlib import suppress


async def answer(view, needs, limit):
    newest = max(needs.values(), default=0)
    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            while max(view.position("web"), view.position("desk")) < newest:
                await view.moved()
    is_new = max(view.position("web"), view.position("desk")) >= newest
    return is_new, view.seats()
