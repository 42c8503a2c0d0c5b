import asyncio

from solution import Unreadable


async def handle(event, lockers):
    while event.id not in lockers.seen:
        try:
            await lockers.assign(event)
            lockers.seen.add(event.id)
        except Unreadable as error:
            await lockers.set_aside(event, str(error))
            return
        except OSError:
            await asyncio.sleep(0.5)
