from solution import Unreadable


async def handle(event, lockers):
    if event.id in lockers.seen:
        return
    lockers.seen.add(event.id)
    try:
        await lockers.assign(event)
    except Unreadable as error:
        await lockers.set_aside(event, str(error))
