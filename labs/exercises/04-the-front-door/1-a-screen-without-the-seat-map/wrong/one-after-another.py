from solution import screen as screen_at_once


async def screen(ask, parts, seconds):
    found, missing = {}, []
    for part in parts:
        one = await screen_at_once(ask, [part], seconds)
        missing += one.pop("missing")
        found |= one
    return found | {"missing": missing}
