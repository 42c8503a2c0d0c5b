from solution import ADVANCE, POSITION, apply


async def receive(db, log, event):
    (seen,) = db.execute(POSITION).fetchone()
    for each in await log.read_all(from_position=seen):
        with db:
            db.execute(ADVANCE, (each.position,))
        with db:
            apply(db, each)
