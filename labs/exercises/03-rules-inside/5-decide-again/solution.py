from movingparts.scenes.ch03.refusal import Refused

UPDATE = "UPDATE site SET state = ?, version = ? WHERE version = ?"


async def start(db, car, kw):
    for _ in range(5):
        site, version = await db.read()
        state = site.start(car, kw)
        changed = await db.execute(UPDATE, [state, version + 1, version])
        if changed == 1:
            return
    raise Refused("too many others are starting: please try again")
