"""What goes over the wire when somebody calls availability's sidecar.

The TLS handshake is a real one; the request after it runs in a simulated world.
Source: chapter 12. Leaves out: how long a handshake takes.
"""

from __future__ import annotations

from typing import Any

from movingparts.control_plane import Configuration, Mesh, Policy, control_plane
from movingparts.core import Recording
from movingparts.core.random import Constant
from movingparts.core.recording import Message, MessageKind, Recorder
from movingparts.draw import Figure, sequence
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.handshake import APP, CROSS, handshake
from movingparts.sidecar import CALLER, inbound
from movingparts.world.local.clock import RealClock
from movingparts.world.simulated import SimulatedWorld, simulate

STEP = 1000  # microseconds that each message takes
SIDECAR = "sidecar"
BELIEVES = ("a header", "a certificate")  # what the sidecar knows the caller by


def request(node: str, caller: str | None) -> list[Message]:
    """Return what a request makes the sidecar do; None: it believes the header."""
    mesh = Mesh(policies={APP: Policy(callers=("rides",))})

    async def scenario(world: SimulatedWorld) -> None:
        world.network.everywhere(latency=STEP / 1e6)
        await world.serve("control-plane", lambda each: control_plane(each, mesh))
        await world.serve(APP, Copy(work=Constant(STEP / 1e6)))
        await world.serve(
            SIDECAR,
            lambda each: inbound(
                each,
                Configuration(each),
                service=APP,
                app=f"http://{APP}",
                copy=f"http://{SIDECAR}",
                caller_of=None if caller is None else lambda _: caller,
            ),
        )
        url = f"http://{SIDECAR}/stations/s1"
        await world.node(node).client.get(url, headers={CALLER: "rides"})

    messages = simulate(scenario, seed=1).messages
    return [m for m in messages if {m.source, m.target} <= {node, SIDECAR, APP}]


def call(who: str, believes: str) -> Recording:
    """Return the recording of one call; its result is the status, or None."""
    node = who if who in {"rides", "billing"} else "stranger"
    recorder = Recorder("in memory", None, "")
    for name in (node, SIDECAR, APP):
        recorder.join(name, "service")
    now = RealClock().now()  # by which TLS finds out what has expired
    sent, proven = ([], None) if believes == BELIEVES[0] else handshake(who, now)
    for turn, label in enumerate(sent):
        kind: MessageKind = "request" if turn % 2 == 0 else "reply"
        ends = (node, SIDECAR) if turn % 2 == 0 else (SIDECAR, node)
        note(recorder, kind, ends, turn * STEP, label=label)
    begun = len(sent) * STEP
    rest = [] if proven == "" else request(node, proven)
    for m in rest:
        at = begun + m.sent_us - rest[0].sent_us
        note(recorder, m.kind, (m.source, m.target), at, label=m.label, status=m.status)
    recording = recorder.recording(begun + 6 * STEP)
    recording.result = rest[-1].status if rest else None
    return recording


def note(
    recorder: Recorder,
    kind: MessageKind,
    ends: tuple[str, str],
    sent: int,
    **more: Any,
) -> None:
    """Note a message that arrives."""
    source, target = ends
    arrived = {"arrived_us": sent + STEP, "fate": "delivered", **more}
    recorder.message(kind, source, target, sent_us=sent, **arrived)


def drawn(who: str, believes: str) -> Figure:
    """Return the figure of one call."""
    run = call(who, believes)
    status, last = run.result, run.messages[-1].label
    if believes == BELIEVES[0]:
        title = f"The header says rides, so the answer is {status}"
    elif status is None:
        title = f"{last.removeprefix(CROSS).capitalize()}: nobody reads the request"
    else:
        title = f"The certificate is for {who}, so the answer is {status}"
    return sequence(run, title=title, nodes=[member.name for member in run.nodes])
