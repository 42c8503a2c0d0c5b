import asyncio


async def run(events, handle, workers):
    free, failed = asyncio.Semaphore(workers), []

    async def in_turn(subject):
        try:
            for event in [e for e in events if e.subject == subject]:
                async with free:
                    await handle(event)
        except Exception:
            failed.append(event)

    await asyncio.gather(*map(in_turn, {e.subject for e in events}))
    return failed
