def outbox(db, bus):
    async def save(change, event):
        with db:
            change(db)
            await bus.publish("rides.ride-ended", event)

    async def relay():
        return

    return save, relay
