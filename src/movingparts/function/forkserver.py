"""Forks instances that need no imports: `python -I forkserver.py FD json pydantic`.

It imports those modules once. Whenever it is then sent an instance's socket and log, it
forks a worker, and answers with the worker's process id.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys

# Compiled once here, so that children need not set up the compiler for their source.
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
    exec(compile(EXAMPLE, "example.py", "exec"), {})  # noqa: S102  # our own, just above
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets dead children
    control.send(b"ready")
    while True:
        _, fds, *_ = socket.recv_fds(control, 1, 2)
        if not fds:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            work(*fds)
            return
        for fd in fds:
            os.close(fd)
        control.send(b"%d" % pid)


def work(fd: int, log: int) -> None:
    """Become an instance, as if started by the platform."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    importlib.import_module("worker").Worker(fd).serve()


if __name__ == "__main__":
    # The worker is beside this file, and in nobody's way under its short name.
    folder, name = os.path.split(__file__)
    sys.path.insert(0, folder)
    importlib.import_module("worker")
    sys.path.pop(0)
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
