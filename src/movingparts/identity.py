"""A name that a service can prove: certificates, and who signs them."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
