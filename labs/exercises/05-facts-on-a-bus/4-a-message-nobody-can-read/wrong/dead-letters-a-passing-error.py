async def handle(event, lockers):
    if event.id in lockers.seen:
        return
    try:
        await lockers.assign(event)
    except Exception as error:
        await lockers.set_aside(event, str(error))
    else:
        lockers.seen.add(event.id)
