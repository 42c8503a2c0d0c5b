"""Five callers of availability, and what a sidecar answers each of them.

Source: chapter 12. Leaves out: more than one copy of a service.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from movingparts.identity import Authority, Identity
from movingparts.sidecar import CALLER
from movingparts.world import Table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/stations/harbor"
FORGED = {CALLER: "rides"}  # whoever calls, the header says that it is rides
CALLERS = (
    "rides, by its sidecar",
    "a process without a certificate",
    "billing, with its own",
    "a process with one it signed itself",
    "a process with an old one of rides",
)


@dataclass(frozen=True)
class Doors:
    """Where rides' sidecar takes its calls, and where availability's does."""

    rides: str
    availability: str
    authority: Authority


async def five_callers(doors: Doors) -> list[str]:
    """Return what each caller gets."""
    issue = doors.authority.issue
    own = Authority(doors.authority.now).issue("rides")
    certificates = (
        None,
        issue("billing"),
        replace(own, authority=doors.authority.certificate),
        issue("rides", seconds=-1),
    )
    by_sidecar = await asked(doors.rides, None, {"host": "availability"})
    others = [
        await asked(doors.availability, shown(doors, each), FORGED)
        for each in certificates
    ]
    return [by_sidecar, *others]


def shown(doors: Doors, identity: Identity | None) -> ssl.SSLContext:
    """Return how a caller calls who shows this certificate, or none."""
    if identity is not None:
        return identity.client()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=doors.authority.certificate)
    return context


async def asked(
    url: str, context: ssl.SSLContext | None, headers: Mapping[str, str]
) -> str:
    """Return the status of the answer, or that there was none."""
    async with client(context) as asking:
        with suppress(httpx.TransportError, ssl.SSLError):
            answer = await asking.get(
                f"{url}{PATH}",
                headers=headers,
                extensions={"sni_hostname": "availability"},
            )
            return str(answer.status_code)
    return "no connection"


@asynccontextmanager
async def client(context: ssl.SSLContext | None) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client; to load no certificates takes less time than to load the usual."""
    verify = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(verify=verify, trust_env=False) as opened:
        yield opened


def compared(runs: Mapping[str, Sequence[str]]) -> Table:
    """Return a row for each caller."""
    rows = [(who, *found) for who, *found in zip(CALLERS, *runs.values(), strict=True)]
    return Table(("who calls", *runs), rows)
