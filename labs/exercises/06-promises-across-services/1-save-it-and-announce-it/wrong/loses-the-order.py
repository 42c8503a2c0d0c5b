from contextlib import suppress

from solution import DELETE, Event
from solution import outbox as right

from movingparts.core.bus import BusTimeout


def outbox(db, bus):
    async def relay():
        for row in db.execute("SELECT * FROM outbox").fetchall():
            with suppress(BusTimeout):
                await bus.publish("rides.ride-ended", Event.from_json(row[1]))
                with db:
                    db.execute(DELETE, row[:1])

    return right(db, bus)[0], relay
