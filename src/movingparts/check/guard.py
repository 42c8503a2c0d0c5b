"""What stands around an answer while it is checked, and is put back afterwards."""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import signal
import sys
import threading
import time  # noqa: TID251  # to refuse its sleep, and to tell what blocks
import warnings
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any

from movingparts.check.meter import Meter
from movingparts.check.verdict import Rejected

PRINTED = 2_000  # characters of an answer's output that are kept
SECONDS = 10.0  # real ones, for one simulated run
_WATCHED = ("movingparts", "httpx", "sqlite3", "asyncio", "json", "random", "fastapi")


class Printed(io.TextIOBase):
    """Keeps the beginning of what is written, and how much there was.

    >>> with Printed() as printed:
    ...     print("hello", file=printed)
    ...     printed.text
    'hello'
    """

    def __init__(self) -> None:
        self._kept = ""
        self._written = 0

    def writable(self) -> bool:
        """Whether it takes text."""
        return True

    def write(self, text: str) -> int:
        """Take text, and keep it while there is room."""
        self._written += len(text)
        self._kept += text[: max(0, PRINTED - len(self._kept))]
        return len(text)

    @property
    def text(self) -> str:
        """What was written, cut short with a remark."""
        left = self._written - len(self._kept)
        more = f"\n… and {left:,} more characters" if left else ""
        return self._kept.rstrip() + more


class Guard:
    """Stops what does not end, keeps what is printed, and sees what is tampered with.

    >>> with Guard().standing() as guard:
    ...     print("kept")
    >>> guard.printed.text
    'kept'

    Leaves out: what no code in the same process can hold off (`os._exit`, a single
    call in C that never returns, a gigabyte of memory).
    """

    def __init__(self) -> None:
        self.meter = Meter()
        self.printed = Printed()
        self.interrupted = False
        self.blocked = ""
        self.tampered: list[str] = []

    @contextlib.contextmanager
    def standing(self) -> Iterator[Guard]:
        """Guard the code within."""
        before = _attributes()
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            stack.enter_context(contextlib.redirect_stdout(self.printed))
            stack.enter_context(contextlib.redirect_stderr(self.printed))
            stack.enter_context(self._noting_interrupts())
            stack.enter_context(self._never_blocking())
            stack.enter_context(self.meter.running())
            stack.enter_context(_silent_collector())  # what it collects may loop too
            yield self
        self.tampered = _put_back(before)

    @contextlib.contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Tell the reader's own Ctrl-C from a KeyboardInterrupt that is raised."""

        def interrupt(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            raise KeyboardInterrupt

        try:
            before = signal.signal(signal.SIGINT, interrupt)
        except ValueError:  # not the main thread, which alone has signals
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextlib.contextmanager
    def _never_blocking(self) -> Iterator[None]:
        """Refuse, in this thread, what would stop the kernel rather than wait."""
        me = threading.get_ident()

        def refusing(real: Any, name: str, instead: str) -> Any:
            def refused(*arguments: Any, **named: Any) -> Any:
                if threading.get_ident() != me:
                    return real(*arguments, **named)
                text = f"`{name}` stops everything, in every world: {instead}."
                self.blocked = text
                raise Rejected("blocks", text)

            return refused

        sleep, ask = time.sleep, builtins.input
        time.sleep = refusing(sleep, "time.sleep", "`await node.clock.sleep(s)` waits")
        builtins.input = refusing(ask, "input", "an answer is not asked anything")
        try:
            yield
        finally:
            time.sleep, builtins.input = sleep, ask


def real_seconds() -> float:
    """Return a reading of the real clock, which an answer that blocks holds up."""
    return time.perf_counter()  # only real time tells what blocks


@contextlib.contextmanager
def _silent_collector() -> Iterator[None]:
    """Let what a stopped answer leaves behind be collected without a complaint.

    Once, at the end: each run leaves a whole world behind, and collecting in the midst
    of the next took a third of the time.
    """
    before, enabled = sys.unraisablehook, gc.isenabled()
    sys.unraisablehook = lambda _: None
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        if enabled:
            gc.enable()
        sys.unraisablehook = before


def _attributes() -> dict[tuple[str, str, str], tuple[Any, Any]]:
    """Return what stands in the modules that judge, by module, class and name."""
    found: dict[tuple[str, str, str], tuple[Any, Any]] = {}
    for module_name, module in list(sys.modules.items()):
        if module_name.split(".", 1)[0] not in _WATCHED or module is None:
            continue
        for name, value in list(vars(module).items()):
            found[module_name, "", name] = (module, value)
            if isinstance(value, type) and value.__module__ == module_name:
                for inner, part in list(vars(value).items()):
                    found[module_name, value.__name__, inner] = (value, part)
    return found


def _put_back(before: dict[tuple[str, str, str], tuple[Any, Any]]) -> list[str]:
    """Undo what was rebound since; return the names."""
    changed = []
    for (module, owner, name), (home, value) in before.items():
        if vars(home).get(name) is value or not _fixed(module, name, value):
            continue
        setattr(home, name, value)
        changed.append(".".join(part for part in (module, owner, name) if part))
    return changed


def _fixed(module: str, name: str, value: object) -> bool:
    """Say whether nobody but a tamperer rebinds this.

    Libraries fill in what they need at first use (a None, a cache, a submodule).
    """
    if value is None or name.startswith("_") or isinstance(value, ModuleType):
        return False
    return callable(value) or module.startswith("movingparts")
