"""Start programs so that ending this one ends them too."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
GRACE = 15.0  # seconds that a program has to clean up after itself


def end_like_ctrl_c() -> None:
    """Let SIGTERM and the closing of the terminal do what Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        # A second signal must not cut the clean-up short.
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    if sys.platform != "win32" and os.isatty(0):
        threading.Thread(target=watch_terminal, daemon=True).start()


def watch_terminal() -> None:
    """Notice a closed terminal where no shell passes its signal on.

    A terminal that runs make itself, as `ssh -t` and containers do, signals make alone,
    and make waits for this program.
    """
    terminal = select.poll()
    terminal.register(0, 0)  # 0 events: only a hang-up wakes it
    if any(event & select.POLLHUP for _, event in terminal.poll()):
        os.kill(os.getpid(), signal.SIGHUP)


def end_with_parent() -> None:
    """End this program when the holder of its lifeline is gone, even by kill -9."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def report(text: str = "", *, error: bool = False) -> None:
    """Print a line, also when the terminal it was meant for has been closed."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr if error else sys.stdout, flush=True)


def end(process: subprocess.Popen[bytes], farewell: signal.Signals) -> None:
    """End a program gently, and at last for good."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM if os.name == "nt" else farewell)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    farewell: signal.Signals = signal.SIGTERM,
    lifeline: bool = False,
    piped: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in the background for the length of a `with` block.

    It gets its own session, so that Ctrl-C in the terminal reaches only this
    program, which then ends the other one in its own time, by the farewell signal.
    With a lifeline, its standard input is a pipe that ends when this program is
    killed; see `end_with_parent`. Piped, its output and its errors are for the caller
    to read.
    """
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else None
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else output,
            stderr=subprocess.PIPE if piped else subprocess.STDOUT if log else None,
            start_new_session=os.name != "nt",
        )
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                stack.callback(pipe.close)
        stack.callback(end, process, farewell)
        yield process


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program from the root to its end and return its exit code.

    Interrupted, it gets the signal of Ctrl-C: a build then ends its kernels, and
    pytest its fixtures.
    """
    with running(command, env=env, farewell=signal.SIGINT) as process:
        return process.wait()


def watch(
    command: Sequence[str],
    output: Callable[[str], None],
    errors: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
) -> int:
    """Run a program like `run`, and pass on each line that it writes as it comes.

    Lines of its errors are passed on from a thread of their own.
    """
    with running(command, env=env, farewell=signal.SIGINT, piped=True) as process:
        reader = threading.Thread(target=_pass_on, args=(process.stderr, errors))
        reader.start()
        _pass_on(process.stdout, output)
        reader.join()
        return process.wait()


def _pass_on(lines: IO[bytes] | None, to: Callable[[str], None]) -> None:
    for line in lines or ():
        to(line.decode("utf-8", "replace").rstrip())
