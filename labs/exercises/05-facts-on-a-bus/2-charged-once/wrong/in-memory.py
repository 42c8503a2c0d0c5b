def handler(db, charge):
    seen = set()

    async def receive(event):
        if (event.source, event.id) not in seen:
            with db:
                charge(db, event)
            seen.add((event.source, event.id))

    return receive
