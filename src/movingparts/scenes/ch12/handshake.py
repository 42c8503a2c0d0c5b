"""A TLS handshake between two ends in memory, and what each says in it.

Source: chapter 12; RFC 8446. Leaves out: what the messages weigh.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from datetime import datetime

from movingparts.identity import PREFIX, Authority

WHO = ("rides", "no certificate", "billing", "signed by itself", "expired")
APP = "availability"
CROSS = "✕ "  # before what an alert says


@dataclass
class End:
    """One end of a connection, which is in memory."""

    context: ssl.SSLContext
    server: bool
    comes: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    goes: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    refused: bool = False

    def __post_init__(self) -> None:
        name = None if self.server else APP
        self.tls = self.context.wrap_bio(self.comes, self.goes, self.server, name)

    def next(self, flight: bytes) -> bytes:
        """Return what this end sends after it has read what came."""
        self.comes.write(flight)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass  # the other end's turn
        except ssl.SSLError:
            self.refused = True  # and what it sends says why
        return self.goes.read()

    def refusal(self, alert: bytes) -> str:
        """Return what the other end says of its refusal."""
        self.comes.write(alert)
        try:
            self.tls.read()
        except ssl.SSLError as error:
            alerted = str(error.reason).partition("ALERT_")[2].replace("_", " ").lower()
            # So RFC 8446 calls a signature that doesn't fit.
            return "bad signature" if alerted == "decrypt error" else alerted
        return ""

    def caller(self) -> str:
        """Return the service in the other end's certificate."""
        names = (self.tls.getpeercert() or {}).get("subjectAltName", ())
        return str(names[0][1]).removeprefix(PREFIX)


def contexts(who: str, now: datetime) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return how such a caller calls, and how availability's sidecar takes calls."""
    authority = Authority(lambda: now)
    callee = authority.issue(APP).server()
    if who == "no certificate":
        caller = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        caller.load_verify_locations(cadata=authority.certificate)
        return caller, callee
    signer = Authority(lambda: now) if who == "signed by itself" else authority
    name = who if who == "billing" else "rides"
    identity = signer.issue(name, seconds=-1 if who == "expired" else 3600)
    return replace(identity, authority=authority.certificate).client(), callee


def handshake(who: str, now: datetime) -> tuple[list[str], str]:
    """Return what the two ends send in turn, and who the caller proves to be."""
    theirs, ours = contexts(who, now)
    caller, callee = End(theirs, server=False), End(ours, server=True)
    proof = caller.next(callee.next(caller.next(b"")))
    shown = "no certificate" if who == "no certificate" else "certificate"
    sent = ["hello", "certificate; yours?", shown]
    answer = callee.next(proof)
    if callee.refused:
        return [*sent, CROSS + caller.refusal(answer)], ""
    return sent, callee.caller()
