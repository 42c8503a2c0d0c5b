"""Recordings made by hand, with every fate and moment in them; figures' digests."""

import os
import subprocess
import sys

from movingparts.core.recording import Recorder, Recording, Span

SERVICES = ("rides", "pricing", "payments", "billing")


def ride() -> Recording:
    """Return a ride that ends with all that can happen to a message."""
    to = Recorder("simulated", 7, "")
    to.join("rider", "caller")
    for name in SERVICES:
        to.join(name, "service")
    to.join("bus", "broker")

    def request(
        source: str, target: str, label: str, at: int, took: int | None
    ) -> None:
        arrived = None if took is None else at + took
        fate = "in flight" if took is None else "delivered"
        to.message(
            "request", source, target, label=label, sent_us=at, arrived_us=arrived,
            fate=fate,
        )  # fmt: skip

    def reply(source: str, target: str, status: int, at: int, took: int | None) -> None:
        to.message(
            "reply", source, target, label="answer", status=status, sent_us=at,
            arrived_us=None if took is None else at + took,
            fate="lost" if took is None else "delivered",
        )  # fmt: skip

    def work(node: str, peer: str, start: int, end: int) -> None:
        to.span(
            Span(f"{start}", "t", "", "server", node, peer, "work", start, end, "ok")
        )

    request("rider", "rides", "POST /rides/42/end", 0, 800)
    request("rides", "pricing", "GET /quote", 1_100, 900)
    work("pricing", "rides", 2_000, 2_500)
    reply("pricing", "rides", 200, 2_500, 800)
    request("rides", "payments", "POST /charge", 3_300, 900)
    work("payments", "rides", 4_200, 4_900)
    reply("payments", "rides", 201, 4_900, None)
    to.span(
        Span("c", "t", "", "client", "rides", "payments", "POST /charge", 3_300,
             5_003_300, "error", None, "read timeout")
    )  # fmt: skip
    request("rides", "payments", "POST /charge", 5_003_300, 700)
    work("payments", "rides", 5_004_000, 5_004_900)
    reply("payments", "rides", 201, 5_004_900, 800)
    event = {"label": "RideEnded", "fate": "delivered"}
    to.message(
        "event", "rides", "bus", sent_us=5_006_000, arrived_us=5_006_500, **event
    )
    reply("rides", "rider", 200, 5_006_400, 900)
    work("rides", "rider", 800, 5_006_400)
    to.message(
        "event", "bus", "billing", sent_us=5_006_500, arrived_us=5_007_000, **event
    )
    copy = to.message(
        "event", "bus", "billing", sent_us=5_006_500, arrived_us=5_007_600, **event
    )
    copy.copy_of = copy.id - 1
    to.message(
        "ack", "billing", "bus", label="ack", sent_us=5_007_100, arrived_us=5_007_700,
        fate="delivered",
    )  # fmt: skip
    to.moment(5_008_000, "crash", ["pricing"], "memory and tasks gone")
    to.message(
        "request", "rides", "pricing", label="GET /quote", sent_us=5_008_300,
        arrived_us=5_009_200, fate="refused",
    )  # fmt: skip
    to.moment(5_009_800, "restart", ["pricing"], "restart on the same disk")
    to.moment(5_010_200, "partition", ["rides", "payments"], "rides cut off")
    to.message(
        "request", "rides", "payments", label="POST /charge", sent_us=5_010_600,
        fate="blocked",
    )  # fmt: skip
    to.moment(5_011_800, "heal", ["rides", "payments"], "in touch again")
    to.message(
        "request", "rides", "payments", label="POST /charge", sent_us=5_012_600,
        arrived_us=5_013_500, fate="late",
    )  # fmt: skip
    to.moment(5_013_000, "note", ["rides"], "rides is tired")
    request("rides", "payments", "GET /charges", 5_014_000, None)
    return to.recording(5_015_000)


def calls(count: int = 3, *, lost_reply: int | None = 1) -> Recording:
    """Return calls from rides to pricing, one after the other."""
    to = Recorder("simulated", 7, "")
    to.join("rides", "caller")
    to.join("pricing", "service")
    at = 0
    for i in range(count):
        lost = i == lost_reply
        to.message(
            "request", "rides", "pricing", label="GET /quote", sent_us=at,
            arrived_us=at + 900, fate="delivered",
        )  # fmt: skip
        to.span(
            Span(f"{i}", "t", "", "server", "pricing", "rides", "GET /quote", at + 900,
                 at + 1_200, "ok", 200)
        )  # fmt: skip
        to.message(
            "reply", "pricing", "rides", label="GET /quote", status=200,
            sent_us=at + 1_200, arrived_us=None if lost else at + 2_300,
            fate="lost" if lost else "delivered",
        )  # fmt: skip
        at += 2_400
    return to.recording(at)


def fan_out(width: int = 8) -> Recording:
    """Return one caller that asks many at the same moment."""
    to = Recorder("simulated", 7, "")
    to.join("gateway", "caller")
    for i in range(width):
        to.message(
            "request", "gateway", f"station-{i}", label="GET /docks", sent_us=0,
            arrived_us=700 + 137 * i, fate="delivered",
        )  # fmt: skip
    for i in range(width):
        sent = 900 + 137 * i
        to.message(
            "reply", f"station-{i}", "gateway", label="GET /docks", status=200,
            sent_us=sent, arrived_us=sent + 800 + (i * 317) % 500, fate="delivered",
        )  # fmt: skip
    return to.recording(4_000)


def traffic(count: int = 1_000) -> Recording:
    """Return many overlapping messages among five services, some of them lost."""
    names = ("rider", "rides", "pricing", "payments", "stations")
    to = Recorder("simulated", 7, "")
    at = 0
    for i in range(count):
        source, target = names[i * 7 % 5], names[(i * 7 + 1 + i % 4) % 5]
        at += (i * 7_919) % 800
        lost = i % 23 == 22
        to.message(
            "request", source, target, label=f"GET /{target}", sent_us=at,
            arrived_us=None if lost else at + 500 + (i * 104_729) % 1_000,
            fate="lost" if lost else "delivered",
        )  # fmt: skip
    return to.recording(at + 2_000)


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><!-- <script>",
    "]]></svg>&amp;&#0;",
    "nul\x00 bell\x07 turn\u202earound \ud800",
)


def hostile() -> Recording:
    """Return a recording whose names, labels and notes try to break out."""
    to = Recorder("simulated", 7, "")
    for i, text in enumerate(HOSTILE):
        to.join(text, "service")
        to.message(
            "request", text, HOSTILE[i - 1], label=text, sent_us=i * 1_000,
            arrived_us=i * 1_000 + 900, fate="delivered", note=text,
        )  # fmt: skip
        to.moment(i * 1_000 + 500, text, [text], text)
    return to.recording(6_000)


def digests(code: str) -> set[str]:
    """What code prints in processes of their own, whose sets have other orders."""
    return {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
