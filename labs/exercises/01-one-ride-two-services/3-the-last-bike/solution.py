import httpx
from fastapi import FastAPI, HTTPException

TAKE = """UPDATE bikes SET rider = ? WHERE bike_id =
    (SELECT bike_id FROM bikes WHERE rider IS NULL LIMIT 1) RETURNING bike_id"""
NO_PRICE = (httpx.HTTPError, ValueError, TypeError, LookupError)


async def price(node):
    quote = await node.client.get("http://pricing/quotes?minutes=30", timeout=1.0)
    return int(quote.raise_for_status().json()["cents"])


def rides(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        with db:  # look and take in one statement, with no await in between
            bike = db.execute(TAKE, [rider]).fetchone()
        if bike is None:
            raise HTTPException(409, "no bike is left")
        try:
            cents = await price(node)
        except NO_PRICE:  # no answer, or one without a price in it
            with db:
                db.execute("UPDATE bikes SET rider = NULL WHERE bike_id = ?", [*bike])
            raise HTTPException(503, "no price, no ride") from None
        return {"bike": bike["bike_id"], "cents": cents}

    return app
