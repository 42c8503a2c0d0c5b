from movingparts.core.event import Event

TABLE = """CREATE TABLE IF NOT EXISTS outbox
    (position INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT)"""
ADD = "INSERT INTO outbox (event) VALUES (?)"
OLDEST = "SELECT position, event FROM outbox ORDER BY position LIMIT 1"
DELETE = "DELETE FROM outbox WHERE position = ?"


def outbox(db, bus):
    db.execute(TABLE)

    async def save(change, event):
        with db:
            change(db)
            db.execute(ADD, (event.to_json(),))

    async def relay():
        while row := db.execute(OLDEST).fetchone():
            position, event = row
            await bus.publish("rides.ride-ended", Event.from_json(event))
            with db:
                db.execute(DELETE, (position,))

    return save, relay
