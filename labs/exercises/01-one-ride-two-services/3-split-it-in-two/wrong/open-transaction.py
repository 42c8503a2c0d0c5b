from fastapi import FastAPI, HTTPException
from solution import NO_PRICE, TAKE, price


def rides(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        with db:  # as in the monolith
            bike = db.execute(TAKE, [rider]).fetchone()
            if bike is None:
                raise HTTPException(409)
            try:
                return {"bike": bike["bike_id"], "cents": await price(node)}
            except NO_PRICE:
                raise HTTPException(503) from None

    return app
