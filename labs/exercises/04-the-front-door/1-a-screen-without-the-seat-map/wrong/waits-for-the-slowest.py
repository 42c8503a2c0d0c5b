from solution import screen as screen_in_time


async def screen(ask, parts, seconds):
    return await screen_in_time(ask, parts, 3_000)
