"""What rides asks of other contexts to start a ride, and what it makes of the answers.

Each is a step of the saga in `service`: asked again for the same ride, a partner does
nothing twice. `data` has the ride's id, what the rider wants, and earlier answers.
"""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from movingparts.city.rides.model import Refused
from movingparts.published_language import Instant
from movingparts.saga import Refused as NotDone

M = TypeVar("M", bound=BaseModel)


class _Authorized(BaseModel):
    authorization_id: str


class _LetGo(BaseModel):
    at: Instant


class No(Refused, NotDone):
    """A partner has refused: it did nothing, and the saga turns back."""


class Unpaid(No):
    """Billing does not let the rider ride."""


class Unclear(httpx.TransportError):
    """A partner has failed: indefinite, it may have done what it was asked for."""


async def authorize(client: httpx.AsyncClient, data: dict[str, Any]) -> str:
    """Have the payment for a ride authorized; raises `Unpaid` if it is declined."""
    reply = await client.put(
        f"http://billing/authorizations/{_in_url(data['ride_id'])}",
        json={"rider_id": data["rider_id"]},
    )
    if reply.status_code == 402:
        raise Unpaid(_why(reply))
    _check(reply)
    return _read(reply, _Authorized).authorization_id


async def collect(client: httpx.AsyncClient, data: dict[str, Any]) -> None:
    """Have the bike that was promised handed over; raises `No`."""
    reply = await client.post(
        f"http://availability/reservations/{_in_url(data['reservation_id'])}/collection",
        json=_collection(data),
    )
    _check(reply)


async def put_back(client: httpx.AsyncClient, data: dict[str, Any]) -> None:
    """Have the bike offered to others again, whether it was handed over or not."""
    reply = await client.delete(
        f"http://availability/reservations/{_in_url(data['reservation_id'])}/collection",
        params=_collection(data),
    )
    reply.raise_for_status()


async def unlock(client: httpx.AsyncClient, data: dict[str, Any]) -> str:
    """Have the dock let go of the bike; return when it did. Raises `No`."""
    wanted = {name: data[name] for name in ("ride_id", "bike_id", "until")}
    reply = await client.post(
        f"http://stations/stations/{_in_url(data['station_id'])}/unlocks", json=wanted
    )
    _check(reply)
    return _read(reply, _LetGo).at.isoformat()


def _collection(data: dict[str, Any]) -> dict[str, str]:
    return {name: data[name] for name in ("rider_id", "station_id", "bike_id")}


def _in_url(text: str) -> str:
    """Return an id as part of a URL, to which any of its letters may mean something."""
    return quote(text, safe="")


def _check(reply: httpx.Response) -> None:
    if reply.status_code >= 500:
        raise Unclear(_why(reply))
    if reply.status_code != 200:
        raise No(_why(reply))


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
