from movingparts.scenes.ch05.lockers import Unreadable


async def handle(event, lockers):
    if event.id in lockers.seen:
        return
    try:
        await lockers.assign(event)
    except Unreadable as error:
        await lockers.set_aside(event, str(error))
    else:
        lockers.seen.add(event.id)
