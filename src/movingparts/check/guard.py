"""What stands around an answer while it is checked, and is put back afterwards."""

from __future__ import annotations

import _thread
import builtins
import contextlib
import dataclasses
import gc
import io
import logging
import os
import random
import signal
import socket
import sys
import threading
import time  # noqa: TID251  # to refuse its sleep, and to tell what blocks
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

from movingparts.check.meter import Meter, OutOfSteps, new_run
from movingparts.check.verdict import Rejected

PRINTED = 2_000  # characters of an answer's output that are kept
SECONDS = 10.0  # real ones, for one simulated run
TOTAL = 60.0  # real seconds for all runs of one check
AGAIN = 0.05  # real seconds from one ring of the alarm to the next
HOLDS_UP = "It holds up the whole kernel: it took many real seconds."
_WATCHED = {"movingparts", "httpx", "sqlite3", "asyncio", "json", "random", "fastapi"}
_WATCHED |= {"builtins", "contextlib", "gc", "os", "signal", "socket", "sys"}
_WATCHED |= {"threading", "time", "uuid"}
# The real ones: an answer is refused them.
_signal, _setitimer = signal.signal, getattr(signal, "setitimer", None)
_BUILT_IN = frozenset(vars(builtins))
_MADE_BY_PYTHON = {"__warningregistry__", "__annotations__", "__builtins__", "__dict__"}
_MADE_BY_PYTHON |= {"__cached__", "__path__", "__spec__", "__loader__", "__weakref__"}
_CAREFUL = {__file__, contextlib.__file__}


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


def _globals_of(answer: object) -> dict[str, Any]:
    """Return the names that an answer's code sees, be it a function or a class."""
    own = vars(answer).values() if isinstance(answer, type) else ()
    functions = (each for each in (answer, *own) if isinstance(each, FunctionType))
    return next((function.__globals__ for function in functions), {})


class Guard:
    """Stops what does not end, keeps what is printed, and sees what is tampered with.

    >>> with Guard().standing() as guard:
    ...     print("kept")
    >>> guard.printed.text
    'kept'

    Leaves out: what no code in the same process can hold off (`os._exit`, a single
    call in C that never returns, a gigabyte of memory).
    """

    def __init__(self, answer: object = None) -> None:
        self.meter = Meter()
        self.printed = Printed()
        self.interrupted = False
        self.tampered: list[str] = []
        self._names = _globals_of(answer)

    @contextlib.contextmanager
    def standing(self) -> Iterator[Guard]:
        """Guard the code within."""
        before = Before()
        try:
            with contextlib.ExitStack() as stack:
                stack.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
                stack.enter_context(contextlib.redirect_stdout(self.printed))
                stack.enter_context(contextlib.redirect_stderr(self.printed))
                stack.enter_context(_silent_loggers())
                stack.enter_context(self._noting_interrupts())
                stack.enter_context(self._refusing())
                stack.enter_context(self._alarm())
                stack.enter_context(self.meter.running())
                # What it collects may loop too.
                stack.enter_context(_silent_collector())
                yield self
        finally:
            self.tampered = before.put_back()

    @contextlib.contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Tell the reader's own Ctrl-C from a KeyboardInterrupt that is raised."""

        def interrupt(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            raise KeyboardInterrupt

        try:
            before = _signal(signal.SIGINT, interrupt)
        except ValueError:  # not the main thread, which alone has signals
            yield
            return
        try:
            yield
        finally:
            _signal(signal.SIGINT, before)

    @contextlib.contextmanager
    def _alarm(self) -> Iterator[None]:
        """Stop, again and again, a run that takes too many real seconds.

        The meter cannot see what waits in C, nor what runs outside the answer's code.
        Leaves out: Windows, a browser tab, and threads that are not the main one.
        """
        if _setitimer is None:
            yield
            return
        begin = time.monotonic()
        try:
            before = _signal(signal.SIGALRM, self._ring)
        except (ValueError, OSError):  # not the main thread, which alone has signals
            yield
            return
        left, again = _setitimer(signal.ITIMER_REAL, SECONDS, AGAIN)

        def on_run() -> None:
            rest = TOTAL - (time.monotonic() - begin)
            soon = max(AGAIN, min(SECONDS, rest))
            _setitimer(signal.ITIMER_REAL, soon, AGAIN)

        self.meter.on_run = on_run
        try:
            yield
        finally:
            self.meter.on_run = bool
            _setitimer(signal.ITIMER_REAL, 0)
            _signal(signal.SIGALRM, before)
            if left:  # another's alarm, which goes off a moment late at worst
                rest = left - (time.monotonic() - begin)
                _setitimer(signal.ITIMER_REAL, max(0.001, rest), again)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        self.meter.trip("blocks", HOLDS_UP)
        if frame is not None and frame.f_code.co_filename in _CAREFUL:
            return  # in the midst of putting back; it rings again
        self.meter.rearm()
        raise OutOfSteps(self.meter)

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Refuse, in this thread, what would stop the kernel or outlive the run."""
        refused: dict[int, tuple[Any, Any]] = {}
        with contextlib.ExitStack() as stack:
            for home, name, called, instead in _refusals():
                real = getattr(home, name)
                substitute = self._refusal(real, called, instead)
                refused[id(real)] = (real, substitute)
                setattr(home, name, substitute)
                stack.callback(setattr, home, name, real)
            for name, value in list(self._names.items()):
                if id(value) in refused:  # imported before, by its own name
                    self._names[name] = refused[id(value)][1]
                    stack.callback(self._names.__setitem__, name, value)
            yield

    def _refusal(self, real: Any, name: str, instead: str) -> Any:
        me = threading.get_ident()

        def refused(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != me:
                return real(*arguments, **named)
            text = f"`{name}` {instead}."
            self.meter.trip("blocks", text)  # an `except Exception` does not hold it
            raise Rejected("blocks", text)

        return refused


def _refusals() -> list[tuple[Any, str, str, str]]:
    """Return what is refused: where it stands, its names, and what to do instead."""
    import httpx

    stops = "stops everything, in every world:"
    alarm = "is the checker's own while it watches the time"
    outside = "goes to the real network, past this world: use `node.client`"
    found: list[tuple[Any, str, str, str]] = [
        (time, "sleep", "time.sleep", f"{stops} `await node.clock.sleep(s)` waits"),
        (builtins, "input", "input", f"{stops} an answer is not asked anything"),
        (sys, "settrace", "sys.settrace", "is the checker's own while it counts steps"),
        (signal, "signal", "signal.signal", alarm),
        (signal, "setitimer", "signal.setitimer", alarm),
        (signal, "alarm", "signal.alarm", alarm),
        (httpx.HTTPTransport, "handle_request", "httpx", outside),
        (httpx.AsyncHTTPTransport, "handle_async_request", "httpx", outside),
        (socket, "create_connection", "socket.create_connection", outside),
    ]
    threads = "outlives the run and its clock: `node.tasks.create_task(…)` does not"
    found += [
        (threading.Thread, "start", "threading.Thread", threads),
        (_thread, "start_new_thread", "_thread.start_new_thread", threads),
    ]
    return [entry for entry in found if hasattr(entry[0], entry[1])]


@contextlib.contextmanager
def _silent_loggers() -> Iterator[None]:
    """Keep asyncio's own complaints, with tracebacks, from what an answer printed."""

    def nothing(record: logging.LogRecord) -> bool:
        return False

    logger, raising = logging.getLogger("asyncio"), logging.raiseExceptions
    logger.addFilter(nothing)
    logging.raiseExceptions = False
    try:
        yield
    finally:
        logging.raiseExceptions = raising
        logger.removeFilter(nothing)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give `random` and `uuid` the same values in each run of a seed."""
    state, system = random.getstate(), os.urandom
    random.seed(seed)
    os.urandom = random.Random(seed).randbytes
    try:
        yield
    finally:
        os.urandom = system
        random.setstate(state)


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
        new_run()
        gc.collect()
        if enabled:
            gc.enable()
        sys.unraisablehook = before


class Before:
    """What stands in the modules that judge, and in the process, before an answer.

    >>> before = Before()
    >>> sys.setrecursionlimit(sys.getrecursionlimit() + 1)
    >>> before.put_back()
    []
    """

    def __init__(self) -> None:
        self._named = _attributes()
        self._held = _contents()
        self._limit = sys.getrecursionlimit()
        self._variables = dict(os.environ)
        self._folder: Path | None = None
        with contextlib.suppress(OSError):
            self._folder = Path.cwd()

    def put_back(self) -> list[str]:
        """Undo what was changed since; return the names of what judges."""
        if sys.getrecursionlimit() != self._limit:
            sys.setrecursionlimit(self._limit)
        if dict(os.environ) != self._variables:
            os.environ.clear()
            os.environ.update(self._variables)
        if self._folder is not None:
            with contextlib.suppress(OSError):
                os.chdir(self._folder)
        return [*_put_back(self._named), *_refill(self._held)]


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
    homes = {id(home): (m, o, home) for (m, o, _), (home, _) in before.items()}
    for module, owner, home in homes.values():
        for name in _added(home) if module.startswith("movingparts") else ():
            if (module, owner, name) not in before:
                delattr(home, name)
                changed.append(f"{module}.{owner}.{name}".replace("..", "."))
    return changed


def _added(home: Any) -> list[str]:
    """Return the names in a module or class that hide what all code relies on."""
    if isinstance(home, ModuleType):
        return [name for name in vars(home) if name in _BUILT_IN]
    return [
        name
        for name, value in vars(home).items()
        if name.startswith("__") and name.endswith("__") and callable(value)
    ]


def _fixed(module: str, name: str, value: object) -> bool:
    """Say whether nobody but a tamperer rebinds this.

    Libraries fill in what they need at first use (a None, a cache, a submodule).
    """
    if value is None or isinstance(value, ModuleType):
        return False
    if module.startswith("movingparts"):
        return name not in _MADE_BY_PYTHON
    return callable(value) and not name.startswith("_")


def _contents() -> list[tuple[str, Any, Any]]:
    """Return what the checkers' own tables and exercises hold: name, thing, copy."""
    found: list[tuple[str, Any, Any]] = []
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("movingparts.check") or module is None:
            continue
        for name, value in list(vars(module).items()):
            if name.startswith("__"):
                continue
            inner = value.values() if isinstance(value, dict) else value
            parts = inner if isinstance(inner, Iterable) else ()
            things = [value]
            if isinstance(value, dict | list | tuple):
                things += parts
            for thing in things:
                copy = _copied(thing)
                if copy is not None:
                    found.append((f"{module_name}.{name}", thing, copy))
    return found


def _copied(thing: Any) -> Any:
    """Return what a table or a dataclass holds now; None for anything else."""
    if type(thing) in (dict, list, set):
        return type(thing)(thing)
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        names = [field.name for field in dataclasses.fields(thing)]
        return {name: getattr(thing, name, None) for name in names}
    return None


def _refill(held: list[tuple[str, Any, Any]]) -> list[str]:
    """Put back what was in each table and exercise; return the names of the changed."""
    changed = []
    for name, thing, copy in held:
        now = _copied(thing)
        if type(now) is type(copy) and _same(now, copy):
            continue
        changed.append(name)
        if isinstance(thing, dict | set):
            thing.clear()
            thing.update(copy)
        elif isinstance(thing, list):
            thing[:] = copy
        else:
            for field, value in copy.items():
                object.__setattr__(thing, field, value)
    return changed


def _same(now: Any, copy: Any) -> bool:
    """Say whether two tables hold the same things, by identity, in the same order."""
    if isinstance(now, dict):
        return [(id(k), id(v)) for k, v in now.items()] == [
            (id(k), id(v)) for k, v in copy.items()
        ]
    if isinstance(now, set):
        return {id(part) for part in now} == {id(part) for part in copy}
    return [id(part) for part in now] == [id(part) for part in copy]
