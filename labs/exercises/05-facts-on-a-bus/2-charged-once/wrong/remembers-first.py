from solution import REMEMBER, TABLE


def handler(db, charge):
    db.execute(TABLE)

    async def receive(event):
        with db:
            new = db.execute(REMEMBER, (event.source, event.id)).rowcount
        if new:
            with db:
                charge(db, event)

    return receive
