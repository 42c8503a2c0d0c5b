"""A registry kept in etcd: the leases of our own, in a product.

Source: chapter 12; etcd's JSON over HTTP. Leaves out: watches, and passwords.
"""

from __future__ import annotations

import base64
from typing import Any

import httpx


class Etcd:
    """A registry in etcd: a key for each copy, which goes when its lease is over.

    It speaks etcd's JSON over HTTP; keys are base64 there.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def register(self, name: str, copy: str, *, seconds: int) -> str:
        """List a copy under a new lease; return the lease's id."""
        lease = str((await self._post("lease/grant", {"TTL": seconds}))["ID"])
        key = _text(f"{name}/{copy}")
        await self._post("kv/put", {"key": key, "value": _text(copy), "lease": lease})
        return lease

    async def renew(self, lease: str) -> None:
        """Have a lease begin anew."""
        await self._post("lease/keepalive", {"ID": lease})

    async def revoke(self, lease: str) -> None:
        """Give a lease back: its copy is listed no more."""
        await self._post("lease/revoke", {"ID": lease})

    async def copies(self, name: str) -> list[str]:
        """Return a service's copies."""
        span = {"key": _text(f"{name}/"), "range_end": _text(f"{name}0")}  # 0 is next
        found = await self._post("kv/range", span)
        return [base64.b64decode(kv["value"]).decode() for kv in found.get("kvs", [])]

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.post(f"/v3/{path}", json=body)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


def _text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
