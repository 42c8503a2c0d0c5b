"""One of several processes that want the same stand; controlled by lines of text.

`python -m tests.contract.rival KIND PATH NAME`
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from movingparts.city.availability.model import BikeId, Stand, StandId
from movingparts.repository import StaleVersion
from movingparts.unit_of_work import UnitOfWork, execute
from tests.contract.stores import ON_SQLITE, connect

AT = datetime(2031, 5, 5, 8, tzinfo=UTC)


def answer(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def main(kind: str, path: str, name: str) -> None:
    store, work = ON_SQLITE[kind](lambda: connect(path, timeout=60)), None
    answer("open")
    for number, line in enumerate(sys.stdin):
        match line.split():
            case ["read"]:
                work = store.begin()
                stand = await work.of(Stand).get("S1")
                stand.offer(BikeId(f"{name}-{number}"), AT)
                answer("read")
            case ["commit"]:
                assert work is not None
                try:
                    [recorded] = await work.commit()
                    answer(f"won {recorded.number}")
                except StaleVersion as error:
                    answer(error)
            case ["count", times]:
                for count in range(int(times)):

                    async def act(work: UnitOfWork, bike: str = f"{name}/{count}"):
                        stands = work.of(Stand)
                        stand = await stands.find("S2")
                        stand = stand or stands.add(Stand(StandId("S2")))
                        stand.offer(BikeId(bike), AT)

                    await execute(store, act, attempts=1_000_000)
                answer("counted")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
