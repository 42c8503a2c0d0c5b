"""A limit on the steps of an answer, which stops `while True: pass` too.

An endless loop that never awaits leaves no moment at which another task, or virtual
time, could end it; and a browser tab has no second thread to do so. What is left is
to be called by the interpreter at each step of the answer's own code.
"""

from __future__ import annotations

import _imp
import contextlib
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

STEPS = 200_000  # loop turns (3.12 and later) or bytecodes (3.11) in one run
_settrace = sys.settrace  # the real one: an answer is refused it
DEPTH = 300  # calls of the answer's functions within each other (3.11)


class OutOfSteps(BaseException):  # not an error: the checker's own stop
    """The answer has used up its steps; no `except Exception` can hold it back."""

    def __init__(self, meter: Meter) -> None:
        super().__init__("stopped by the checker")
        self._meter = meter

    def __del__(self) -> None:
        # 3.11 removes a trace function that raises. Whoever swallows this exception
        # drops it, and so lands here, in his own frame, and is traced again.
        self._meter.rearm()


@cache
def _machinery() -> tuple[str, ...]:
    import movingparts

    paths = sysconfig.get_paths()
    own = [str(Path(folder)) for folder in movingparts.__path__]
    own.append(str(Path(contextlib.__file__).parent))  # in Pyodide, the library's zip
    return (*(paths[name] for name in ("stdlib", "purelib", "platlib")), *own)


@cache
def of_the_answer(filename: str) -> bool:
    """Say whether code of this file is a reader's, rather than a library's or ours."""
    if filename.startswith("<frozen "):
        name = filename[len("<frozen ") : -1]
        known = name.partition(".")[0] in sys.stdlib_module_names  # frozen or not
        return not (known or _imp.is_frozen(name))
    return not ("site-packages" in filename or filename.startswith(_machinery()))


def _theirs(frame: FrameType) -> bool:
    """Say whether a frame runs the answer's code, rather than code made by a library.

    What `namedtuple`, `dataclass` and their like write has no file of its own.
    """
    filename = frame.f_code.co_filename
    if not filename.startswith("<string"):
        return of_the_answer(filename) or _forged(frame)
    made_in = str(frame.f_globals.get("__name__", ""))
    home = getattr(sys.modules.get(made_in), "__file__", None)
    made = made_in.startswith("namedtuple_") or (home and not of_the_answer(home))
    return not made


def _forged(frame: FrameType) -> bool:
    """Say whether code that names a library's file runs among the answer's names."""
    if "__name__" not in frame.f_globals:
        return True  # `exec` with a dictionary of one's own
    module = sys.modules.get(str(frame.f_globals["__name__"]))
    if module is None or vars(module) is not frame.f_globals:
        return False
    home = getattr(module, "__file__", None)
    if home is None:
        return module.__name__ == "__main__"  # a notebook's
    return of_the_answer(home)


_current: ContextVar[Meter | None] = ContextVar("meter", default=None)


def measured() -> bool:
    """Say whether an answer is being checked right now."""
    return _current.get() is not None


def new_run() -> None:
    """Give the answer all its steps again, unless it has used them up before."""
    meter = _current.get()
    if meter is not None and not meter.tripped:
        meter.steps = 0
        meter.on_run()


def stop(misconception: str, message: str) -> None:
    """Stop the answer that is being checked, for a reason that can be said.

    Raises `OutOfSteps`, and again at each step that the answer still takes.
    """
    meter = _current.get()
    if meter is not None:
        meter.trip(misconception, message)
        raise OutOfSteps(meter)


_paused: ContextVar[Any] = ContextVar("paused", default=None)


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """Run code of the checker's own at full speed; `traced` is for the answer's."""
    before = sys.gettrace()
    token = _paused.set(before)
    _settrace(None)
    try:
        yield
    finally:
        _settrace(before)
        _paused.reset(token)


@contextlib.contextmanager
def traced() -> Iterator[None]:
    """Count steps again, for an answer that is called in the midst of `untraced`."""
    before = sys.gettrace()
    _settrace(_paused.get() or before)
    try:
        yield
    finally:
        _settrace(before)


class Meter:
    """Counts an answer's steps while it is `running`, and raises `OutOfSteps`.

    >>> meter = Meter(limit=1000)
    >>> with meter.running():
    ...     total = sum(range(10))
    >>> meter.tripped
    False

    Leaves out: a single call that computes without end in C, as `sum(count())` does.
    """

    def __init__(self, limit: int = STEPS) -> None:
        self.limit, self.steps = limit, 0
        self.active = False
        self.reason: tuple[str, str] | None = None
        self.on_run: Callable[[], object] = bool  # told that another run begins
        self._depth = 0
        self._known: dict[CodeType, bool] = {}
        self._outside: list[FrameType] = []
        self._rearmed: list[FrameType] = []

    @property
    def tripped(self) -> bool:
        """Whether the steps are used up."""
        return self.steps > self.limit

    def trip(self, misconception: str, message: str) -> None:
        """Use up the steps at once; the first reason given is the one that counts."""
        self.reason = self.reason or (misconception, message)
        self.steps = self.limit + 1

    @contextlib.contextmanager
    def running(self) -> Iterator[Meter]:
        """Count steps within; whatever traced before goes on tracing afterwards."""
        use = self._monitoring() if hasattr(sys, "monitoring") else self._tracing()
        self.steps = 0
        before = _current.set(self)
        with use:
            self.active = True
            try:
                yield self
            finally:
                self.active = False
                _current.reset(before)

    def _step(self) -> None:
        self.steps += 1
        if self.tripped:
            raise OutOfSteps(self)

    # --- 3.12 and later: jumps, in the answer's code alone -----------------------

    @contextlib.contextmanager
    def _monitoring(self) -> Iterator[None]:
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]  # 3.12
        tool = next((n for n in (4, 3) if monitoring.get_tool(n) is None), None)
        if tool is None:  # another tool has them all: no limit, but no disturbance
            yield
            return
        events = monitoring.events
        watched: dict[CodeType, None] = {}

        def start(code: CodeType, offset: int) -> Any:
            if _theirs(sys._getframe(1)):  # noqa: SLF001  # the frame that starts
                if code not in watched:
                    watched[code] = None
                    wanted = events.JUMP | events.PY_RESUME
                    monitoring.set_local_events(tool, code, wanted)
                self._step()
                return None
            return monitoring.DISABLE

        def step(code: CodeType, *_: Any) -> None:
            self._step()

        monitoring.use_tool_id(tool, "movingparts.check")
        monitoring.register_callback(tool, events.PY_START, start)
        monitoring.register_callback(tool, events.JUMP, step)
        monitoring.register_callback(tool, events.PY_RESUME, step)
        monitoring.set_events(tool, events.PY_START)
        try:
            yield
        finally:
            monitoring.set_events(tool, 0)
            for code in watched:
                monitoring.set_local_events(tool, code, 0)
            for event in (events.PY_START, events.JUMP, events.PY_RESUME):
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)
            monitoring.restart_events()

    # --- 3.11: each bytecode, since a loop of one line has no line events ---------

    @contextlib.contextmanager
    def _tracing(self) -> Iterator[None]:
        before = sys.gettrace()
        self._outside = _stack(sys._getframe(1))  # noqa: SLF001  # not the answer's
        self._depth = 0
        _settrace(self._trace)
        try:
            yield
        finally:
            _settrace(before)
            for frame in self._rearmed:
                frame.f_trace = None
            self._rearmed.clear()
            self._outside.clear()

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        if code not in self._known:
            self._known[code] = _theirs(frame)
        if not self._known[code]:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self._depth += 1
        if self._depth > DEPTH:
            # The interpreter's own limit would be met in this function, which would
            # then be removed as one that raises.
            self.steps = self.limit
            self._step()
        return self._trace_step

    def _trace_step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "opcode":
            self._step()
        elif event == "return":
            self._depth -= 1
        return self._trace_step

    def rearm(self) -> None:
        """Trace again, the frames that are under way too, after `OutOfSteps`."""
        if not self.active or hasattr(sys, "monitoring"):
            return
        self._depth = 0
        for frame in _stack(sys._getframe(1)):  # noqa: SLF001  # who swallowed it
            if _theirs(frame) and frame not in self._outside:
                frame.f_trace, frame.f_trace_opcodes = self._trace_step, True
                self._rearmed.append(frame)
        _settrace(self._trace)


def _stack(frame: FrameType | None) -> list[FrameType]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames
