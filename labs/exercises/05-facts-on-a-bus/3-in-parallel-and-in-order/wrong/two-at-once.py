import asyncio


async def run(events, handle, workers):
    free = asyncio.Semaphore(workers)

    async def one(event):
        async with free:
            await handle(event)

    done = await asyncio.gather(*map(one, events), return_exceptions=True)
    return [event for event, error in zip(events, done, strict=True) if error]
