import asyncio


async def run(events, handle, workers):
    done = await asyncio.gather(*map(handle, events), return_exceptions=True)
    return [event for event, error in zip(events, done, strict=True) if error]
