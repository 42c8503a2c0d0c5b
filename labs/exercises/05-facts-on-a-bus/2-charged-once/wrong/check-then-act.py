from solution import REMEMBER, TABLE


def handler(db, charge):
    db.execute(TABLE)

    async def receive(event):
        key = (event.source, event.id)
        if key not in db.execute("SELECT * FROM seen").fetchall():
            with db:
                charge(db, event)
                db.execute(REMEMBER, key)

    return receive
