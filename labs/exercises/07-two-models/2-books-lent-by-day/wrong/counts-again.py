from solution import ADVANCE, POSITION, apply


async def receive(db, log, event):
    (seen,) = db.execute(POSITION).fetchone()
    for each in await log.read_all(from_position=seen) or [event]:
        with db:
            apply(db, each)
            db.execute(ADVANCE, (max(seen, each.position),))
