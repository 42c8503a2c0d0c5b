from solution import UPDATE, Refused


async def start(db, car, kw):
    for _ in range(5):
        site, _ = await db.read()
        state = site.start(car, kw)
        _, version = await db.read()
        if await db.execute(UPDATE, [state, version + 1, version]):
            return
    raise Refused("too busy")
