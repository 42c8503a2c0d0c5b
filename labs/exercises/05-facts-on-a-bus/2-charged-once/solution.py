TABLE = "CREATE TABLE IF NOT EXISTS seen (source, id, PRIMARY KEY (source, id))"
REMEMBER = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING"


def handler(db, charge):
    db.execute(TABLE)

    async def receive(event):
        with db:
            if db.execute(REMEMBER, (event.source, event.id)).rowcount:
                charge(db, event)

    return receive
