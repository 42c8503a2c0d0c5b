async def handle(event, lockers):
    if event.id in lockers.seen:
        return
    try:
        await lockers.assign(event)
        lockers.seen.add(event.id)
    except Exception as error:
        print("could not handle", event.id, error)
