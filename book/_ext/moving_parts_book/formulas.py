"""Formulas are set by KaTeX while the book is built; this makes that dependable.

sphinxcontrib-katex 0.9.11 starts its own server and connects to it as soon as its
socket is there, which is a moment before it listens: on a busy machine the build then
ends in a refused connection. It also prints a formula that KaTeX cannot read in red
instead of failing.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from sphinx.application import Sphinx
from sphinxcontrib import katex

PATIENCE = 60.0  # seconds: a loaded machine starts node slowly
PAUSE = 0.005  # seconds between two attempts to connect


def start_server_process(
    rundir: Path, timeout: float
) -> tuple[Popen[bytes], socket.socket]:
    """Start KaTeX's server and return it with a connection to it.

    Raises KaTeXError when it has not answered within `timeout` seconds.
    """
    address = rundir / "katex.sock"
    command = katex.KaTeXServer.build_command(socket=address)
    process = Popen(command, stdin=PIPE, stdout=PIPE, cwd=rundir)
    give_up = time.monotonic() + timeout
    while time.monotonic() < give_up and process.poll() is None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(address))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            time.sleep(PAUSE)
        else:
            return process, connection
    process.kill()
    raise katex.KaTeXError(
        f"KaTeX's server did not answer within {timeout:.0f} s: does `node` run? "
        "The book sets its formulas with it."
    )


def setup(app: Sphinx) -> None:
    """Have sphinxcontrib-katex start its server this way, and fail on a bad formula."""
    server: Any = katex.KaTeXServer
    server.start_server_process = staticmethod(start_server_process)
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = PATIENCE
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
