from solution import screen as honest_screen


async def screen(ask, parts, seconds):
    found = await honest_screen(ask, parts, seconds)
    return found | dict.fromkeys(found["missing"], 0)
