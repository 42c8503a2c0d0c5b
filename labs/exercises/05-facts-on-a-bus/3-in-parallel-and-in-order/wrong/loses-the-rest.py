import asyncio
from zlib import crc32


async def run(events, handle, workers):
    failed = []

    async def worker(number):
        for event in events:
            if crc32(event.subject.encode()) % workers == number:
                try:
                    await handle(event)
                except Exception:
                    failed.append(event)
                    return

    await asyncio.gather(*map(worker, range(workers)))
    return failed
