import asyncio

from movingparts.scenes.ch04.trip import NoScreen, Unavailable


async def screen(ask, parts, seconds):
    try:
        async with asyncio.timeout(seconds):
            values = await asyncio.gather(*[ask(part.name) for part in parts])
    except (TimeoutError, Unavailable) as error:
        raise NoScreen("the screen") from error
    return {p.name: v for p, v in zip(parts, values)} | {"missing": []}
