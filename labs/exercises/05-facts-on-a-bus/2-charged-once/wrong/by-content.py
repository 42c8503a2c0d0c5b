from solution import REMEMBER, TABLE


def handler(db, charge):
    db.execute(TABLE)

    async def receive(event):
        with db:
            if db.execute(REMEMBER, (event.source, str(event.data))).rowcount:
                charge(db, event)

    return receive
