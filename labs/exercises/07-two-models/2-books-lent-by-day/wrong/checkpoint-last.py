from solution import ADVANCE, POSITION, apply


async def receive(db, log, event):
    (seen,) = db.execute(POSITION).fetchone()
    for each in await log.read_all(from_position=seen):
        with db:
            apply(db, each)
        with db:
            db.execute(ADVANCE, (each.position,))
