import asyncio

from movingparts.scenes.ch04.trip import NoScreen, Unavailable


async def screen(ask, parts, seconds):
    async def part_of(part):
        try:
            async with asyncio.timeout(seconds):
                return True, await ask(part.name)
        except (TimeoutError, Unavailable):
            return False, None

    answers = await asyncio.gather(*map(part_of, parts))
    found, missing = {}, []
    for part, (came, value) in zip(parts, answers, strict=True):
        found[part.name] = value
        if not came:
            if part.required:
                raise NoScreen(part.name)
            missing.append(part.name)
    return found | {"missing": missing}
