"""What rides asks of other contexts, and what it makes of their answers."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from movingparts.city.rides.model import AuthorizationId, Refused, Ride
from movingparts.published_language import Instant

M = TypeVar("M", bound=BaseModel)
_in_url = partial(quote, safe="")  # an id may hold what means something to a URL


class _Authorized(BaseModel):
    authorization_id: AuthorizationId


class _LetGo(BaseModel):
    at: Instant


class Unpaid(Refused):
    """Billing does not let the rider ride."""


class Unclear(httpx.TransportError):
    """A partner has failed: indefinite, it may have done what it was asked for."""


async def authorize(client: httpx.AsyncClient, ride: Ride) -> AuthorizationId:
    """Have the payment for a ride authorized; raises `Unpaid` if it is declined."""
    reply = await client.put(
        f"http://billing/authorizations/{_in_url(ride.ride_id)}",
        json={"rider_id": ride.rider_id},
    )
    if reply.status_code == 402:
        raise Unpaid(_why(reply))
    _check(reply)
    return _read(reply, _Authorized).authorization_id


async def collect(client: httpx.AsyncClient, ride: Ride, reservation_id: str) -> None:
    """Have the bike that was promised handed over; raises `Refused`."""
    reply = await client.post(
        f"http://availability/reservations/{_in_url(reservation_id)}/collection",
        json={"rider_id": ride.rider_id, "station_id": ride.from_station},
    )
    _check(reply)


async def unlock(client: httpx.AsyncClient, ride: Ride) -> datetime:
    """Have the dock let go of the bike; return when it did. Raises `Refused`."""
    reply = await client.post(
        f"http://stations/stations/{_in_url(ride.from_station)}/unlocks",
        json={"bike_id": ride.bike_id},
    )
    _check(reply)
    return _read(reply, _LetGo).at


def _check(reply: httpx.Response) -> None:
    if reply.status_code >= 500:
        raise Unclear(_why(reply))
    if reply.status_code != 200:
        raise Refused(_why(reply))


def _read(reply: httpx.Response, kind: type[M]) -> M:
    """Return what is needed of an answer; it may have more."""
    try:
        return kind.model_validate_json(reply.content)
    except ValueError:
        needed = " and ".join(kind.model_fields)
        raise Unclear(f"{reply.request.url.host}: its answer has no {needed}") from None


def _why(reply: httpx.Response) -> str:
    """Return who says no, and why: what a problem document says, or all there is."""
    try:
        detail = reply.json()["detail"]
    except (ValueError, LookupError, TypeError):
        detail = reply.text
    return f"{reply.request.url.host}: {detail}"
