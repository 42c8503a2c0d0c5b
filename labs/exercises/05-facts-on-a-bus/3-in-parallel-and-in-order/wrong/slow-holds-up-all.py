import asyncio
from collections import defaultdict


async def run(events, handle, workers):
    failed, turns = [], defaultdict(asyncio.Lock)
    free = asyncio.Semaphore(workers)

    async def one(event):
        async with free, turns[event.subject]:
            try:
                await handle(event)
            except Exception:
                failed.append(event)

    await asyncio.gather(*map(one, events))
    return failed
