async def start(db, car, kw):
    raise NotImplementedError("Exercise 3.5: save only if nobody decided in between")
