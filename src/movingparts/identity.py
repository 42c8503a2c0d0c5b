"""Who calls: each service proves its name by a certificate (mutual TLS)."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from movingparts.core import Node
from movingparts.core.node import ASGIApp, Scope

PREFIX = "spiffe://larkhaven/"  # a SPIFFE ID: the trust domain, then the service


@dataclass(frozen=True, slots=True)
class Identity:
    """A service's certificate, its private key, and the authority that it trusts.

    All are PEM texts.
    """

    certificate: str
    key: str = field(repr=False)
    authority: str

    def server(self) -> ssl.SSLContext:
        """Return how to take calls: only from who shows a certificate."""
        context = self._context(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_REQUIRED  # or it would ask for none
        return context

    def client(self) -> ssl.SSLContext:
        """Return how to call: only who has a certificate for that name."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    def _context(self, side: int) -> ssl.SSLContext:
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cadata=self.authority)
        with tempfile.NamedTemporaryFile("w", prefix="movingparts-") as file:
            file.write(self.certificate + self.key)  # mode 600, gone with the block
            file.flush()
            context.load_cert_chain(file.name)
        return context


class Authority:
    """A certificate authority: it says by its signature which service has which key.

    `now` is the time by which certificates expire.

    Source: chapter 12; SPIFFE's X.509-SVID. Leaves out: how a service proves that it
    may have this certificate, key usage, and taking a certificate back.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        root = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = self._sign("larkhaven", self._key, 24 * 3600, root)

    def issue(self, service: str, *, seconds: float = 3600) -> Identity:
        """Return a new key for a service, with a certificate valid so long."""
        key = ec.generate_private_key(ec.SECP256R1())
        uri = x509.UniformResourceIdentifier(PREFIX + service)
        names = x509.SubjectAlternativeName([uri, x509.DNSName(service)])
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate = self._sign(service, key, seconds, names)
        return Identity(certificate, pem.decode(), self.certificate)

    def _sign(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        seconds: float,
        extension: x509.ExtensionType,
    ) -> str:
        subject, issuer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)])
            for each in (name, "larkhaven")
        )
        now = self.now()
        certificate = (
            x509.CertificateBuilder(issuer, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))  # clocks differ
            .not_valid_after(now + timedelta(seconds=seconds))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


class TellsCaller(H11Protocol):
    """uvicorn's HTTP/1.1, which tells the app whose certificate the caller has.

    TLS has checked it before there is a connection.
    """

    def connection_made(self, transport: Any) -> None:
        """Put the caller's SPIFFE ID where the app finds it."""
        super().connection_made(transport)
        names = transport.get_extra_info("peercert")["subjectAltName"]
        ids = [name for kind, name in names if kind == "URI"]
        app = self.app

        async def told(scope: Scope, receive: Any, send: Any) -> None:
            scope["extensions"] = {"spiffe": ids[0]}
            await app(scope, receive, send)

        self.app = told


def caller_of(request: Request) -> str:
    """Return the name of the service that calls, by its certificate."""
    found: str = request.scope["extensions"]["spiffe"]
    return found.removeprefix(PREFIX)


@asynccontextmanager
async def listening(
    node: Node, app: ASGIApp, door: socket.socket, identity: Identity
) -> AsyncIterator[None]:
    """Serve an app over mutual TLS on a bound socket while the block runs."""
    config = uvicorn.Config(app, http=TellsCaller, log_config=None, ws="none")
    config.load()
    config.ssl = identity.server()
    server = _Server(config)
    running = node.tasks.create_task(server.serve([door]), name=f"{node.name} listens")
    try:
        while not server.started and not running.done():
            await node.clock.sleep(0.001)
        yield
    finally:
        server.should_exit = True
        for connection in list(server.server_state.connections):
            connection.transport.abort()  # it wouldn't wait for callers to hang up
        await running


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they belong to the kernel


class Sender:
    """Sends requests over mutual TLS in a service's name; `outbound` sends by it.

    A request's extension `sni_hostname` is the name of the service that it is for.
    """

    def __init__(self, identity: Identity) -> None:
        self._context = identity.client()
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Send a request, if its callee proves that it is the one."""
        name = request.extensions["sni_hostname"]
        # An open connection was checked for one name, so it isn't used for another.
        if name not in self._clients:
            client = httpx.AsyncClient(verify=self._context, trust_env=False)
            self._clients[name] = client
        try:
            return await self._clients[name].send(request)
        except ssl.SSLError as error:  # the callee refuses our certificate
            raise httpx.ReadError(str(error), request=request) from error

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
