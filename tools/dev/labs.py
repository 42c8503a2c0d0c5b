"""Run JupyterLab on labs/, on this machine alone and with a token (`make labs`)."""

import contextlib
import http.client
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_core.paths import (
    jupyter_config_dir,
    jupyter_data_dir,
    jupyter_runtime_dir,
)

from tools.dev import process

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PORT = 8888
STATE = ROOT / ".movingparts"
LOG = STATE / "jupyterlab.log"
PATIENCE = 90.0  # seconds until JupyterLab must answer, on a slow machine


class LabError(Exception):
    """JupyterLab did not start; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A JupyterLab that answers."""

    url: str
    process: subprocess.Popen[bytes]


def taken(port: int) -> bool:
    """Whether something answers on this port, or holds it."""
    with contextlib.closing(socket.socket()) as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with contextlib.closing(socket.socket()) as probe:
        if os.name != "nt":
            # A port whose last connection is still fading away is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def free_port(first: int) -> int:
    """The first free port from this one on.

    Raises:
        LabError: the next hundred ports are all taken.
    """
    for port in range(first, first + 100):
        if not taken(port):
            return port
    raise LabError(f"Ports {first} to {first + 99} are all taken.")


def report_if_moved(what: str, first: int, port: int) -> None:
    """Tell the reader that a port was taken, and which one is used in its place."""
    if port != first:
        process.report(f"Port {first} is taken; {what} moves to {port}.")


def answers(port: int, token: str) -> bool:
    """Whether JupyterLab answers on this port and knows the token."""
    asked = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        asked.request("GET", "/api/status", headers={"Authorization": f"token {token}"})
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def writable(folder: Path) -> bool:
    """Return whether files can be made in a folder, which is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def usual_folders() -> dict[str, Path]:
    """Return where Jupyter keeps things, by the variable that moves the folder."""
    return {
        "JUPYTER_CONFIG_DIR": Path(jupyter_config_dir()),
        "JUPYTER_DATA_DIR": Path(jupyter_data_dir()),
        "JUPYTER_RUNTIME_DIR": Path(jupyter_runtime_dir()),
        "IPYTHONDIR": Path(os.environ.get("IPYTHONDIR") or "~/.ipython").expanduser(),
    }


def moved_folders() -> dict[str, str]:
    """Return the variables that move Jupyter's folders to where it can write.

    It keeps settings, kernels and history in the reader's home, and stops with a
    traceback where it can't, as in a container that runs under any user's id.
    """
    if os.path.expanduser("~") == "~":  # noqa: PTH111 - no HOME, and an unknown user
        moved = {"HOME": STATE / "home"}
    else:
        moved = {
            name: STATE / "home" / name.lower()
            for name, usual in usual_folders().items()
            if not writable(usual)
        }
    for folder in moved.values():  # IPython makes no parents, and takes a temp folder
        folder.mkdir(parents=True, exist_ok=True)
    return {name: str(folder) for name, folder in moved.items()}


def places() -> dict[str, str]:
    """Make sure that JupyterLab can write; return what `moved_folders` does, and say.

    Raises:
        LabError: there is no place for its log.
    """
    if not writable(STATE):
        raise LabError(
            f"{STATE} can't be written, and JupyterLab's log goes there: "
            "make it writable, or copy the whole folder to where you may write."
        )
    moved = moved_folders()
    if moved:
        process.report(
            f"JupyterLab can't write to its usual folders (HOME is "
            f"{os.environ.get('HOME', 'not set')}), so it keeps its settings in "
            f"{os.path.relpath(STATE / 'home')}."
        )
    return moved


@contextlib.contextmanager
def jupyterlab() -> Iterator[Lab]:
    """JupyterLab for the length of a `with` block, ready when the block begins.

    Raises:
        LabError: it did not answer in time, ended immediately, or there is no place
            for its log.
    """
    port, token = free_port(PORT), secrets.token_hex(16)
    report_if_moved("JupyterLab", PORT, port)
    moved = places()
    config = "--config=tools/dev/jupyter_config.py"
    command = [sys.executable, "-m", "jupyterlab", config]
    command += [f"--ServerApp.port={port}", f"--ServerApp.root_dir={ROOT / 'labs'}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in most containers
        command.append("--allow-root")
    # The token goes by the environment: a command line can be read by others.
    # The folder's labconfig turns off the question whether you want news.
    more = [str(ROOT / "tools/dev/jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    path = os.pathsep.join(filter(None, more))
    env = {**os.environ, **moved, "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": path}
    with process.running(command, env=env, log=LOG, lifeline=True) as lab:
        give_up = time.monotonic() + PATIENCE
        while not answers(port, token):
            if lab.poll() is not None or time.monotonic() > give_up:
                text = LOG.read_text("utf-8", "replace").splitlines()[-20:]
                raise LabError("\n".join([*text, "JupyterLab did not start."]))
            time.sleep(0.1)
        yield Lab(f"http://{HOST}:{port}/lab?token={token}", lab)


def main() -> int:
    """Run JupyterLab until Ctrl-C."""
    process.end_like_ctrl_c()
    try:
        process.report("Starting JupyterLab.")
        with jupyterlab() as lab:
            process.report(f"\n  labs  {lab.url}\n\nCtrl-C ends it.")
            lab.process.wait()
            process.report(f"JupyterLab has ended; its log is {LOG.relative_to(ROOT)}.")
    except LabError as error:
        process.report(str(error), error=True)
        return 1
    except KeyboardInterrupt:
        process.report("\nEnded.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
