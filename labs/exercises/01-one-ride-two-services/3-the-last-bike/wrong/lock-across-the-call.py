import asyncio

from fastapi import FastAPI, HTTPException


def rides(node):
    app, db, lock = FastAPI(), node.disk.connect(), asyncio.Lock()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        async with lock:
            free = "SELECT bike_id FROM bikes WHERE rider IS NULL"
            bike = db.execute(free).fetchone()
            if bike is None:
                raise HTTPException(409)
            try:
                quote = await node.client.get("http://pricing/quotes?minutes=30")
                cents = quote.json()["cents"]
            except Exception:
                raise HTTPException(503) from None
            with db:
                take = "UPDATE bikes SET rider = ? WHERE bike_id = ?"
                db.execute(take, [rider, *bike])
        return {"bike": bike["bike_id"], "cents": cents}

    return app
