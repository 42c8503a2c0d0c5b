import httpx
from fastapi import FastAPI, HTTPException

TAKE = """UPDATE bikes SET rider = ? WHERE bike_id =
    (SELECT bike_id FROM bikes WHERE rider IS NULL LIMIT 1) RETURNING bike_id"""


def rides(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        with db:
            bike = db.execute(TAKE, [rider]).fetchone()
        if bike is None:
            raise HTTPException(409)
        try:
            quote = await node.client.get("http://pricing/quotes?minutes=30", timeout=1)
        except httpx.HTTPError:
            with db:
                db.execute("UPDATE bikes SET rider = NULL WHERE bike_id = ?", [*bike])
            raise HTTPException(503) from None
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app
