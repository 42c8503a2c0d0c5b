"""Solutions to the exercises of lab 01, one section each."""

import httpx
from fastapi import FastAPI, HTTPException

from movingparts.check.ch01 import Decision

# --- 1.1 What a failure tells you -------------------------------------------------


def verdict(outcome):
    if isinstance(outcome, httpx.Response):
        kind = outcome.status_code // 100
        return {2: "done", 4: "not done"}.get(kind, "unknown")
    never_sent = (httpx.ConnectError, httpx.ConnectTimeout)
    return "not done" if isinstance(outcome, never_sent) else "unknown"


# --- 1.2 Charge once --------------------------------------------------------------


async def charge(node, ride_id, cents):
    url, body = (
        f"http://billing/charges/{ride_id}",
        {"ride_id": ride_id, "cents": cents},
    )
    while True:
        try:
            reply = await node.client.put(url, json=body)
            if reply.is_success:
                return
        except httpx.HTTPError:
            pass  # charged or not: the same request again does no harm
        await node.clock.sleep(1.0)


# --- 1.3 The last bike ------------------------------------------------------------

QUOTE = "http://pricing/quotes?minutes=30"
TAKE = """UPDATE bikes SET rider = ? WHERE bike_id =
    (SELECT bike_id FROM bikes WHERE rider IS NULL LIMIT 1) RETURNING bike_id"""


def rides(node):
    app, db = FastAPI(), node.disk.connect()

    @app.post("/rides", status_code=201)
    async def take(rider: str):
        with db:  # look and take in one statement, with no await in between
            bike = db.execute(TAKE, [rider]).fetchone()
        if bike is None:
            raise HTTPException(409, "no bike is left")
        try:
            quote = await node.client.get(QUOTE, timeout=1.0)
            quote.raise_for_status()
        except httpx.HTTPError:
            with db:
                db.execute("UPDATE bikes SET rider = NULL WHERE bike_id = ?", [*bike])
            raise HTTPException(503, "no price, no ride") from None
        return {"bike": bike["bike_id"], "cents": quote.json()["cents"]}

    return app


# --- 1.4 A budget of time ---------------------------------------------------------


def timeouts(depth, budget):
    step = 0.040 + 2 * 0.010  # the work before a call, the way there and back
    return [budget - step * number for number in range(depth)]


# --- 1.5 Split or not -------------------------------------------------------------


def decide(team, measure):
    one, two = measure(team, 1).p99, measure(team, 2).p99
    return Decision(split=two <= team.limit < one, one_p99=one, two_p99=two)
