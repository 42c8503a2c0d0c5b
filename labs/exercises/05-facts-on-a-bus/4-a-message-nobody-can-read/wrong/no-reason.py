from solution import Unreadable


async def handle(event, lockers):
    if event.id in lockers.seen:
        return
    try:
        await lockers.assign(event)
    except Unreadable:
        await lockers.set_aside(event, "could not be handled")
    else:
        lockers.seen.add(event.id)
