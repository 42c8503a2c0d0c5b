from solution import UPDATE, Refused


async def start(db, car, kw):
    site, version = await db.read()
    state = site.start(car, kw)
    if not await db.execute(UPDATE, [state, version + 1, version]):
        raise Refused("somebody was faster")
