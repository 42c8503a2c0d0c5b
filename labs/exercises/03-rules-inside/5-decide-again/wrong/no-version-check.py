async def start(db, car, kw):
    site, version = await db.read()
    state = site.start(car, kw)
    update = "UPDATE site SET state = ?, version = ?"
    await db.execute(update, [state, version + 1])
