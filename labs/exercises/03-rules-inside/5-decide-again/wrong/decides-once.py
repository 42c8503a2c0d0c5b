from solution import UPDATE, Refused


async def start(db, car, kw):
    site, version = await db.read()
    state = site.start(car, kw)
    for _ in range(5):
        if await db.execute(UPDATE, [state, version + 1, version]):
            return
        _, version = await db.read()
    raise Refused("too busy")
