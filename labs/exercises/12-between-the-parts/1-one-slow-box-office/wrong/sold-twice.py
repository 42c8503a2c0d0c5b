from solution import sell as once


async def sell(copies, busy, random, send):
    try:
        return await once(copies, busy, random, send)
    except ConnectionError:
        return await once(copies, busy, random, send)
