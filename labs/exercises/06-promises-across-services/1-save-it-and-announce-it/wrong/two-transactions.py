from solution import ADD
from solution import outbox as right


def outbox(db, bus):
    async def save(change, event):
        with db:
            change(db)
        with db:
            db.execute(ADD, (event.to_json(),))

    return save, right(db, bus)[1]
