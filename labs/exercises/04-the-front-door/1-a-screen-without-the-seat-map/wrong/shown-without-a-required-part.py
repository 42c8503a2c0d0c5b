from dataclasses import replace

from solution import screen as screen_or_none


async def screen(ask, parts, seconds):
    optional = [replace(part, required=False) for part in parts]
    return await screen_or_none(ask, optional, seconds)
