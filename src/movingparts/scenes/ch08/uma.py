"""UmaDB's server, for as long as a page needs it.

Source: chapter 08; UmaDB (Python client). Leaves out: TLS and API keys.
"""

from __future__ import annotations

import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import socket

from umadb import Client, TransportError

from movingparts.world.local.watchdog import PREFIX, Watchdog


@contextmanager
def umadb_server() -> Iterator[str]:
    """Run UmaDB's server, with its files in a folder that goes with it.

    Yields its address, on a free port.
    """
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        program = f"{sysconfig.get_path('scripts')}/umadb"
        server = subprocess.Popen(
            [program, "--listen", address, "--db-path", folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        watchdog = Watchdog()
        watchdog.own_process(server.pid)
        try:
            _wait_for(f"http://{address}", server)
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(10)
            watchdog.release_process(server.pid)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return once the server answers."""
    while server.returncode is None:
        with suppress(TransportError):
            return Client(url).close()
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.02)
    raise RuntimeError(f"UmaDB's server has ended with {server.returncode}")
