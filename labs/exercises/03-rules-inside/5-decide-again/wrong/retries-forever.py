from solution import UPDATE


async def start(db, car, kw):
    changed = 0
    while not changed:
        site, version = await db.read()
        state = site.start(car, kw)
        changed = await db.execute(UPDATE, [state, version + 1, version])
