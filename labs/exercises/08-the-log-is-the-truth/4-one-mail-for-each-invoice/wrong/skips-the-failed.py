from contextlib import suppress

from solution import answer as both


async def answer(log, view, sender, mail, rebuild):
    async def try_once(event_id, data):
        with suppress(ConnectionError):
            await mail(event_id, data)

    await both(log, view, sender, try_once, rebuild)
