import httpx
from fastapi import FastAPI, HTTPException

from movingparts.scenes.ch01.split import TAKE

FREE = "UPDATE bikes SET rider = NULL WHERE bike_id = ?"
NO_PRICE = (httpx.HTTPError, ValueError, TypeError, LookupError)


async def price(node):
    quote = await node.client.get("http://pricing/quotes?minutes=30", timeout=1.0)
    return int(quote.raise_for_status().json()["cents"])


def rides(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        with db:  # committed before the call: nobody waits for this transaction
            bike = db.execute(TAKE, [rider]).fetchone()
        if bike is None:
            raise HTTPException(409, "no bike is left")
        try:
            return {"bike": bike["bike_id"], "cents": await price(node)}
        except NO_PRICE:  # no answer, or one without a price in it
            with db:
                db.execute(FREE, [bike["bike_id"]])
            raise HTTPException(503, "no price, no ride") from None

    return app
