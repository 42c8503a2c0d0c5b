"""What became of one event, as a recording: its tries, and what the bank did."""

from __future__ import annotations

from dataclasses import replace

from movingparts.core.recording import Member, Moment, Recording
from movingparts.function import recorded
from movingparts.function.recorded import named
from movingparts.scenes.ch11.charging import Charged


def tries(found: Charged, ride: str) -> Recording:
    """Return the run of one ride's event, from the moment at which it was sent."""
    own = [done for done in found.invocations if done.id == ride]
    sent = min(done.began for done in own)
    own = [replace(done, began=round(done.began - sent, 6)) for done in own]
    run = recorded(own, caller="queue", label="run")
    run.nodes[0].kind = "service"
    killed = {named(done): done for done in own if done.status == "killed"}
    # A killed instance answers nothing: the platform sees that it is gone.
    run.messages = [message for message in run.messages if message.source not in killed]
    for name, done in killed.items():
        at = round((done.began + done.took) * 1_000_000)
        run.moments.append(Moment(at, "crash", (name,), f"{name} is killed"))
    run.nodes.append(Member("bank", "service"))
    for at_s, charged, cents in found.charges:
        if charged == ride:
            at, text = round((at_s - sent) * 1_000_000), f"charges {cents / 100:.2f}"
            run.moments.append(Moment(at, "note", ("bank",), text))
    return run
