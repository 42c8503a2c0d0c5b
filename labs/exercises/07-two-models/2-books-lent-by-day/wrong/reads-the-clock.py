from datetime import UTC, datetime

from solution import ADVANCE, COUNT, POSITION


async def receive(db, log, event):
    (seen,) = db.execute(POSITION).fetchone()
    for each in await log.read_all(from_position=seen):
        with db:
            if each.type == "BookLent":
                today = datetime.now(UTC).date()  # noqa: TID251  # what is wrong here
                db.execute(COUNT, (str(today),))
            db.execute(ADVANCE, (each.position,))
