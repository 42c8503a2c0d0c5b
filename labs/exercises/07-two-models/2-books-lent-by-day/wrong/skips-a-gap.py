from solution import ADVANCE, POSITION, apply


async def receive(db, log, event):
    (seen,) = db.execute(POSITION).fetchone()
    if event.position > seen:
        with db:
            apply(db, event)
            db.execute(ADVANCE, (event.position,))
