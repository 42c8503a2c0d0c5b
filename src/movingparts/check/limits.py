"""What stands around an answer while it is checked: limits against mistakes.

The one who checks is the learner, on their own machine (docs/adr/0008). So this
guards against an endless loop and a blocking call, and not against an adversary.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import logging
import os
import random
import signal
import sys
import threading
import time  # noqa: TID251  # to refuse its sleep
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any
from unittest import mock

from movingparts.check.verdict import Rejected

PRINTED = 2_000  # characters of an answer's output that are kept
SECONDS = 20.0  # of processor time, for one run or one round of cases
AGAIN = 0.2  # seconds of processor time from one alarm to the next
LOOKS = 5.0  # seconds between two looks at whether anything runs at all
STILL = 4  # looks in a row at which nothing ran
IDLE = 0.001  # seconds of processor time that the looks themselves take


BLOCKED = (
    "It blocks the whole process: it waits for a lock, a file or a socket that nothing"
    " else can free meanwhile. Wait with `await`, or hold nothing while you do."
)


class OutOfTime(KeyboardInterrupt):
    """The answer has used up its processor time; like Ctrl-C, it ends any loop."""


class Printed(io.StringIO):
    """Keeps the beginning of what is written.

    >>> with Printed() as printed:
    ...     print("hello", file=printed)
    ...     printed.text
    'hello'
    """

    def write(self, text: str) -> int:
        """Take text, and keep it while there is room."""
        super().write(text[: PRINTED + 1 - self.tell()])
        return len(text)

    @property
    def text(self) -> str:
        """What was written, cut short with a remark."""
        kept = self.getvalue()
        return (
            kept.rstrip() if len(kept) <= PRINTED else f"{kept[:PRINTED]}\n… and more"
        )


class Limits:
    """The processor time of an answer, what it printed, and what it was refused.

    The limit counts processor time, so a machine that is busy with something else
    stops no answer. Leaves out: Windows, a browser tab (its *Stop* ends the worker)
    and threads other than the main one, where nothing can interrupt a loop.

    >>> with Limits().around() as limits:
    ...     print("kept")
    >>> limits.printed.text
    'kept'
    """

    def __init__(self, seconds: float = SECONDS, looks: float = LOOKS) -> None:
        self.printed = Printed()
        self.refused: Rejected | None = None
        self.out_of_time = False
        self._seconds, self._looks = seconds, looks
        self._has_alarm = False
        self._still, self._used = 0, 0.0

    @contextlib.contextmanager
    def around(self) -> Iterator[Limits]:
        """Limit the code within, and leave nothing of it behind."""
        with contextlib.ExitStack() as stack:
            stack.callback(_forget)
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            stack.enter_context(contextlib.redirect_stdout(self.printed))
            stack.enter_context(contextlib.redirect_stderr(self.printed))
            stack.enter_context(_silent())
            for where, name, why in _refusals():
                refusal = self._refusal(getattr(where, name), why)
                stack.enter_context(mock.patch.object(where, name, refusal))
            stack.enter_context(self._alarm())
            yield self

    def begin(self) -> None:
        """Give the answer all its time again, for another run."""
        if self._has_alarm:
            signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds, AGAIN)

    def end(self) -> None:
        """Raise what stopped the answer: its own code, or asyncio, may have kept it."""
        if self.out_of_time:
            raise OutOfTime
        if self.refused is not None:
            raise self.refused

    @contextlib.contextmanager
    def _alarm(self) -> Iterator[None]:
        main = threading.current_thread() is threading.main_thread()
        if not main or not hasattr(signal, "setitimer") or sys.platform == "emscripten":
            yield
            return

        def ring(number: int, frame: FrameType | None) -> None:
            self.out_of_time = True
            raise OutOfTime

        before = signal.signal(signal.SIGVTALRM, ring)
        before_look = signal.signal(signal.SIGALRM, self._look)
        self._has_alarm = True
        self.begin()
        signal.setitimer(signal.ITIMER_REAL, self._looks, self._looks)
        try:
            yield
        finally:
            self._has_alarm = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGVTALRM, before)
            signal.signal(signal.SIGALRM, before_look)

    def _look(self, number: int, frame: FrameType | None) -> None:
        """End a check that waits for what only itself could bring about.

        Virtual time never waits, so a process in which nothing runs for several looks
        is blocked. One that was stopped, or gets little of a busy machine, still runs
        a little between two looks.
        """
        used = time.process_time()
        self._still = self._still + 1 if used - self._used < IDLE else 0
        self._used = used
        if self._still >= STILL:
            self.refused = Rejected("blocks", BLOCKED)
            raise self.refused

    def _refusal(self, real: Callable[..., Any], why: str) -> Callable[..., Any]:
        me = threading.get_ident()

        def refuse(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != me:  # the kernel's own threads go on
                return real(*arguments, **named)
            self.refused = Rejected("blocks", why)
            raise self.refused

        return refuse


def _refusals() -> list[tuple[Any, str, str]]:
    """Return what would leave the simulated world, and what to do instead."""
    import httpx

    outside = "It calls the real network, outside of this world: use `node.client`."
    sleeps = "`time.sleep` stops everything: `await node.clock.sleep(s)` waits."
    return [
        (time, "sleep", sleeps),
        (builtins, "input", "`input` waits for a person: nobody is there to answer."),
        (httpx.HTTPTransport, "handle_request", outside),
        (httpx.AsyncHTTPTransport, "handle_async_request", outside),
    ]


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep asyncio's and the collector's complaints from what an answer printed."""
    logger, hook = logging.getLogger("asyncio"), sys.unraisablehook
    before = logger.disabled
    logger.disabled = True
    sys.unraisablehook = lambda _: None
    try:
        yield
        gc.collect()
    finally:
        logger.disabled = before
        sys.unraisablehook = hook


def _forget() -> None:
    """Empty FastAPI's caches, which would keep each checked service and its world."""
    from fastapi.dependencies import models

    for cached in vars(models).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


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
