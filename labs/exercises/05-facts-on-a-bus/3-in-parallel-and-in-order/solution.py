import asyncio


async def run(events, handle, workers):
    free, failed, subjects = asyncio.Semaphore(workers), [], {}
    for event in events:
        subjects.setdefault(event.subject, []).append(event)

    async def in_turn(mine):
        for event in mine:
            async with free:
                try:
                    await handle(event)
                except Exception:  # noqa: BLE001  # it may raise anything
                    failed.append(event)

    await asyncio.gather(*map(in_turn, subjects.values()))
    return failed
