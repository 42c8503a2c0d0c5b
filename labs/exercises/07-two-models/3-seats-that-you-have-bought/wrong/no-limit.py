async def answer(view, needs, limit):
    while any(view.position(log) < needs[log] for log in needs):
        await view.moved()
    return True, view.seats()
