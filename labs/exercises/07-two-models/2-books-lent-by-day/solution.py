POSITION = "SELECT position FROM checkpoint"
ADVANCE = "UPDATE checkpoint SET position = ?"
COUNT = "INSERT INTO lent VALUES (?, 1) ON CONFLICT DO UPDATE SET books = books + 1"


def apply(db, event):
    if event.type == "BookLent":
        db.execute(COUNT, (event.data["at"][:10],))


async def receive(db, log, event):
    (seen,) = db.execute(POSITION).fetchone()
    if event.position > seen:
        missing = await log.read_all(from_position=seen)
        with db:
            for each in missing:
                apply(db, each)
            db.execute(ADVANCE, (missing[-1].position,))
