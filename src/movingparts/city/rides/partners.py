"""What rides asks of other contexts, and what it makes of their answers."""

from __future__ import annotations

from datetime import datetime

import httpx
from pydantic import BaseModel

from movingparts.city.rides.model import AuthorizationId, Refused, Ride
from movingparts.published import Instant


class _Authorized(BaseModel):
    authorization_id: AuthorizationId


class _LetGo(BaseModel):
    at: Instant


class Unpaid(Refused):
    """Billing does not let the rider ride."""


async def authorize(client: httpx.AsyncClient, ride: Ride) -> AuthorizationId:
    """Have the payment for a ride authorized; raises `Unpaid` if it is declined."""
    reply = await client.put(
        f"http://billing/authorizations/{ride.ride_id}",
        json={"rider_id": ride.rider_id},
    )
    if reply.status_code == 402:
        raise Unpaid(_why(reply))
    _check(reply)
    return _Authorized.model_validate(reply.json()).authorization_id


async def collect(client: httpx.AsyncClient, ride: Ride, reservation_id: str) -> None:
    """Have the bike that was promised handed over; raises `Refused`."""
    reply = await client.post(
        f"http://availability/reservations/{reservation_id}/collection",
        json={"rider_id": ride.rider_id, "station_id": ride.from_station},
    )
    _check(reply)


async def unlock(client: httpx.AsyncClient, ride: Ride) -> datetime:
    """Have the dock let go of the bike; return when it did. Raises `Refused`."""
    reply = await client.post(
        f"http://stations/stations/{ride.from_station}/unlocks",
        json={"bike_id": ride.bike_id},
    )
    _check(reply)
    return _LetGo.model_validate(reply.json()).at


def _check(reply: httpx.Response) -> None:
    if reply.status_code != 200:
        raise Refused(_why(reply))


def _why(reply: httpx.Response) -> str:
    return f"{reply.request.url.host}: {reply.json().get('detail', reply.text)}"
