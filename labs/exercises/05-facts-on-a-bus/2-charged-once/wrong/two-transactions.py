from solution import REMEMBER, TABLE

LOOK = "SELECT 1 FROM seen WHERE source = ? AND id = ?"


def handler(db, charge):
    db.execute(TABLE)

    async def receive(event):
        key = (event.source, event.id)
        if db.execute(LOOK, key).fetchone() is None:
            with db:
                charge(db, event)
            with db:
                db.execute(REMEMBER, key)

    return receive
