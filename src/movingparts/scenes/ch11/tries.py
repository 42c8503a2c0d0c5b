"""What became of one event, as a recording: its tries, and what the bank did."""

from __future__ import annotations

from dataclasses import replace

from movingparts.core.recording import Member, Message, Moment, Recording
from movingparts.function import Invocation, recorded
from movingparts.function.recorded import named
from movingparts.scenes.ch11.charging import Charged

MOMENT = 1_000  # microseconds that a death is drawn later, so that both are seen


def tries(found: Charged, ride: str) -> Recording:
    """Return the run of one ride's event, from the moment at which it was sent."""
    own = [done for done in found.invocations if done.id == ride]
    sent = min(done.began for done in own)
    own = [replace(done, began=round(done.began - sent, 6)) for done in own]
    run = recorded(own, caller="queue", label="run")
    run.nodes[0].kind = "service"
    run.nodes.append(Member("bank", "service"))
    for at, charged, _ in found.charges:
        if charged == ride:
            _charge(run, own, round(at - sent, 6), "charge")
    for done in own:
        if done.status == "killed":
            _kill(run, named(done), round((done.began + done.took) * 1e6))
    return run


def _charge(run: Recording, own: list[Invocation], at: float, label: str) -> None:
    """Add a call of the bank, by whichever instance had the event then."""
    by = next(named(d) for d in own if d.began <= at <= round(d.began + d.took, 6))
    at_us, number = round(at * 1e6), len(run.messages)
    call = Message(number, "request", by, "bank", label, at_us, at_us, "delivered")
    run.messages.append(call)


def _kill(run: Recording, name: str, at_us: int) -> None:
    """Let an instance die instead of answering."""
    dead = Moment(at_us + MOMENT, "crash", (name,), f"{name} is killed")
    run.moments.append(dead)
    run.messages = [m for m in run.messages if (m.source, m.kind) != (name, "reply")]
