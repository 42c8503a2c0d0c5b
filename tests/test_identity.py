"""Who calls: certificates, and what happens to calls with the wrong ones."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import httpx
import pytest
from cryptography import x509
from fastapi import FastAPI, Request

from movingparts.core import Node
from movingparts.core.node import Tasks
from movingparts.identity import Authority, Identity
from movingparts.mutual_tls import Sender, caller_of, listening
from movingparts.world.local.clock import RealClock
from movingparts.world.local.server import loopback_socket


def now() -> datetime:
    return datetime.now(UTC)


CA, STRANGER = Authority(now), Authority(now)


class Bare:
    """As much of a node as a listener needs."""

    def __init__(self) -> None:
        self.name, self.clock = "availability", RealClock()
        self.tasks = Tasks(lambda task, error: None)


def availability() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def who(request: Request) -> str:
        return caller_of(request)

    return app


async def call(sender: Sender, port: int, name: str = "availability") -> str:
    """Return what the callee answers, or the kind of the error."""
    url = f"https://127.0.0.1:{port}/"
    try:
        request = httpx.Request("GET", url, extensions={"sni_hostname": name})
        return str((await sender(request)).json())
    except httpx.TransportError as error:
        return f"{type(error).__name__} {error}"


def calls(*given: tuple[Identity, str], callee: Identity | None = None) -> list[str]:
    """Return what becomes of calls with an identity, each to a name."""

    async def main() -> list[str]:
        door, answers = loopback_socket(), []
        mine = callee or CA.issue("availability")
        async with listening(cast(Node, Bare()), availability(), door, mine):
            for identity, name in given:
                sender = Sender(identity)
                answers.append(await call(sender, door.getsockname()[1], name))
                await sender.aclose()
        return answers

    return asyncio.run(main())


def test_the_callee_learns_the_callers_name() -> None:
    both = [(CA.issue(name), "availability") for name in ("rides", "billing")]
    assert ["rides", "billing"] == calls(*both)


@pytest.mark.parametrize(
    "wrong",
    [
        CA.issue("rides", seconds=-1),
        replace(STRANGER.issue("rides"), authority=CA.certificate),
    ],
    ids=["expired", "of another authority"],
)
def test_a_wrong_certificate_gets_no_answer(wrong: Identity) -> None:
    [said] = calls((wrong, "availability"))
    assert said.split()[0] in {"ReadError", "RemoteProtocolError"}


def test_without_a_certificate_or_without_tls_nobody_gets_in() -> None:
    async def main() -> list[type[Exception]]:
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.load_verify_locations(cadata=CA.certificate)
        bare.check_hostname = False
        door, raised = loopback_socket(), []
        async with httpx.AsyncClient(verify=bare) as client:
            mine = CA.issue("availability")
            async with listening(cast(Node, Bare()), availability(), door, mine):
                for scheme in ("https", "http"):
                    url = f"{scheme}://127.0.0.1:{door.getsockname()[1]}/"
                    with pytest.raises(httpx.TransportError) as caught:
                        await client.get(url)
                    raised.append(caught.type)
        return raised

    assert 2 == len(asyncio.run(main()))


@pytest.mark.parametrize(
    ("callee", "why"),
    [
        (CA.issue("billing"), "Hostname mismatch"),
        (CA.issue("availability", seconds=-1), "has expired"),
        (STRANGER.issue("availability"), "verify failed"),
    ],
)
def test_a_caller_sends_nothing_to_who_isnt_the_one(callee: Identity, why: str) -> None:
    [said] = calls((CA.issue("rides"), "availability"), callee=callee)
    assert said.startswith("ConnectError")
    assert why in said


def test_an_open_connection_to_one_name_is_not_used_for_another() -> None:
    async def main() -> list[str]:
        door, sender = loopback_socket(), Sender(CA.issue("rides"))
        async with listening(
            cast(Node, Bare()), availability(), door, CA.issue("availability")
        ):
            port = door.getsockname()[1]
            names = ("availability", "billing", "availability")
            said = [await call(sender, port, name) for name in names]
            await sender.aclose()
        return said

    first, other, again = asyncio.run(main())
    assert ["rides", "rides"] == [first, again]
    assert "Hostname mismatch" in other


def test_a_refusal_by_tls_is_an_error_of_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refused(client: httpx.AsyncClient, request: httpx.Request) -> None:
        raise ssl.SSLError(1, "tlsv13 alert certificate required")

    monkeypatch.setattr(httpx.AsyncClient, "send", refused)
    said = asyncio.run(call(Sender(CA.issue("rides")), 1))
    assert said.startswith("ReadError")
    assert "certificate required" in said


def test_a_certificate_has_one_spiffe_id_and_lasts_as_long_as_asked() -> None:
    made = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    issued = Authority(lambda: made).issue("rides", seconds=60)
    found = x509.load_pem_x509_certificate(issued.certificate.encode())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    assert ["spiffe://larkhaven/rides"] == uris
    assert ["rides"] == names.get_values_for_type(x509.DNSName)
    assert datetime(2026, 5, 4, 12, 1, tzinfo=UTC) == found.not_valid_after_utc


def test_a_key_is_shown_nowhere_and_stays_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    identity = CA.issue("rides")
    identity.server()
    assert [] == list(tmp_path.iterdir())
    assert "PRIVATE KEY" not in repr(identity)
