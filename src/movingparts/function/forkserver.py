"""Forks instances that need no imports: `python -I forkserver.py FD json pydantic`.

It imports those modules once. Copies of it wait, forked and ready: one takes the next
instance's socket and log, and answers with its process id. Then another is forked, so
that nobody waits for that, unless many start at once.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys

READY = 2  # copies that wait
EXAMPLE = "import sys\ndef handler(event, context):\n    return event\n"


def serve(control: socket.socket, modules: list[str]) -> None:
    """Import the modules, then fork until the platform closes the socket.

    Frozen objects stay out of the collector's reach, so that children don't copy the
    memory they are in. There are no threads here: a fork would copy their locks, and
    not the threads that open them.
    """
    try:
        for module in modules:
            importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is reported
        control.send(repr(error).encode())
        return
    rehearse()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets dead children
    control.send(b"ready")
    waiting: list[int] = []
    while True:
        while len(waiting) < READY:
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.close(reader)
                work(control, writer)
                return
            os.close(writer)
            waiting.append(reader)
        reader = select.select(waiting, [], [])[0][0]
        if not os.read(reader, 1):
            # A copy has ended, unused: the platform is gone, or finds that we are.
            os.killpg(0, signal.SIGKILL)
        waiting.remove(reader)
        os.close(reader)


def rehearse() -> None:
    """Do what each start does: a copy's memory is its own only once it is written."""
    os.environ.update(json.loads(json.dumps({"HOME": ""})))
    os.environ.clear()
    exec(compile(EXAMPLE, "example.py", "exec"), {})  # noqa: S102  # our own, above


def work(control: socket.socket, writer: int) -> None:
    """Wait for a socket and a log, and become an instance, as if it was spawned."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    worker = importlib.import_module("worker").Worker()
    rehearse()
    _, fds, *_ = socket.recv_fds(control, 1, 2)
    if not fds:
        return
    os.setsid()
    control.send(b"%d" % os.getpid())
    control.close()
    with contextlib.suppress(BrokenPipeError):  # the server is gone
        os.write(writer, b"x")
    os.close(writer)
    fd, log = fds
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    worker.serve(fd)


if __name__ == "__main__":
    # The worker is beside this file, and in nobody's way under its short name.
    folder, name = os.path.split(__file__)
    sys.path.insert(0, folder)
    importlib.import_module("worker")
    sys.path.pop(0)
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
