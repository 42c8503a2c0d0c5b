"""A morning with every fault there is: what must be the same wherever it runs.

No import of pytest: it runs in Pyodide too.
"""

import hashlib
import re

import httpx
from fastapi import FastAPI

from movingparts.bus import BusError, Event
from movingparts.world import LogNormal, Node, Recording, SimulatedWorld


def billing(node: Node) -> FastAPI:
    """Charge rides; a charge takes 10 ms and is on the disk before the reply."""
    app = FastAPI()
    db = node.disk.connect()
    db.execute("CREATE TABLE IF NOT EXISTS charge (ride TEXT)")
    db.commit()

    @app.post("/charges/{ride}")
    async def charge(ride: str) -> int:
        await node.clock.sleep(0.010)
        db.execute("INSERT INTO charge VALUES (?)", [ride])
        db.commit()
        return int(db.execute("SELECT count(*) FROM charge").fetchone()[0])

    @app.get("/charges")
    async def charges() -> int:
        return int(db.execute("SELECT count(*) FROM charge").fetchone()[0])

    @app.post("/half/{ride}")
    async def half(ride: str) -> None:
        db.execute("INSERT INTO charge VALUES (?)", [ride])
        await node.clock.sleep(1)
        db.commit()

    @app.get("/boom")
    async def boom() -> None:
        raise ValueError("the tariff is missing")

    return app


async def outcome(world: SimulatedWorld, path: str, *, timeout: float = 1.0) -> str:
    """Call billing as a rider and say in a word what the rider sees."""
    try:
        client = world.client("rider", timeout=timeout)
        return str((await client.post(f"http://billing{path}")).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__


async def charged(world: SimulatedWorld) -> int:
    """Ask billing, over a clean network, how many charges it holds."""
    return int((await world.client("auditor").get("http://billing/charges")).json())


async def busy_morning(world: SimulatedWorld) -> tuple[int, int]:
    """Sixty charges and receipts over a bad network, with a crash in the midst."""
    await world.serve("billing", billing)
    office = world.node("office")
    rider = world.node("rider")
    receipts: list[object] = []

    async def file(event: Event) -> None:
        await office.clock.sleep(office.random.random())
        receipts.append(event.data)

    await office.bus.stream("RECEIPTS", "receipt.*")
    await office.bus.subscribe("receipt.*", file, durable="office", ack_wait=0.5)
    world.network.everywhere(
        latency=LogNormal(median=0.004, p99=0.060),
        loss=0.05,
        duplicate=0.05,
        reorder=0.1,
        bandwidth=50_000,
    )
    for number in range(60):
        if number == 30:
            world.network.crash("billing")
            await world.network.restart("billing")
        await outcome(world, f"/charges/r{number}")
        try:
            await rider.bus.publish("receipt.r", receipt(rider, number))
        except BusError:
            receipts.append(None)
    return await charged(world), len(receipts)


def receipt(rider: Node, number: int) -> Event:
    """Return the event that a rider keeps of a ride."""
    return Event(id=rider.new_id(), source="/rider", type="receipt", data=number)


def digest(recording: Recording) -> str:
    """Return a fingerprint of a recording's bytes.

    But for the numbers of source lines, which errors name: who edits a module above
    them changes no behavior.
    """
    text = re.sub(r", line \d+\)", ")", recording.to_json())
    return hashlib.sha256(text.encode()).hexdigest()
