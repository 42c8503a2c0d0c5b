def handler(db, charge):
    db.execute("CREATE TABLE IF NOT EXISTS seen (ride TEXT PRIMARY KEY)")

    async def receive(event):
        ride = f"{event.source} {event.type} {event.data}"
        with db:
            sql = "INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING"
            if db.execute(sql, [ride]).rowcount:
                charge(db, event)

    return receive
