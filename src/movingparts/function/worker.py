"""One instance of a function, in a process of its own: `python -I worker.py FD`.

It reads requests from a socket, a line of JSON each, and writes what becomes of them.

It knows nothing of this package, and imports what it needs when it needs it: whatever
is imported here makes each cold start longer.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes longer than all of this file
    from typing import Any

FILE_BYTES = 512 << 20  # AWS Lambda gives a function so much room in /tmp
OPEN_FILES = 1024  # and lets it open so many files: docs, "Lambda quotas"
FAULTS = 32  # page faults, after which memory is looked at again
ASYNC = 0x80  # CO_COROUTINE: the flag of an async def


class FunctionError(RuntimeError):
    """Another function, which this one waited for, has failed."""

    __module__ = "movingparts.function.contract"  # it prints as the platform's own


class NoHandlerError(Exception):
    """The source defines no handler."""


class Context:
    """What a handler knows of its invocation, under AWS Lambda's names."""

    def __init__(self, worker: Worker, request: dict[str, Any]) -> None:
        settings = worker.settings
        self.aws_request_id = request["id"]
        self.function_name = settings["name"]
        self.function_version = settings["version"]
        self.memory_limit_in_mb = str(settings["memory_mb"])
        self._worker, self._number = worker, request["n"]
        self._ends = time.monotonic() + settings["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        """Return how much of its time is left."""
        left: float = self._ends - time.monotonic()
        return max(0, round(left * 1000))

    async def invoke(self, name: str, event: Any) -> Any:
        """Run another function of the platform, and wait for its value."""
        answer = await self._worker.ask(self._number, name, event)
        if "error" in answer:
            raise FunctionError(answer["error"])
        return answer["value"]


class Worker:
    """Runs a function's source once, and then its handler for each request."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self._fd = -1
        self._handler: Any = None
        self._lock: Any = None  # where requests run in threads
        self._asked: dict[int, Any] = {}
        self._memory = Memory()
        self._null = os.open(os.devnull, os.O_RDWR)  # before anything is confined
        os.register_at_fork(after_in_child=self._let_go)

    def serve(self, fd: int) -> None:
        """Start, and run requests until the platform closes the socket."""
        self._fd, lines = fd, os.fdopen(fd, "rb", closefd=False)
        self.settings = json.loads(lines.readline())
        try:
            self._init()
        except MemoryError:
            self.write(init="out of memory")
        except NoHandlerError:
            self.write(init="the source has no handler(event, context)")
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is reported
            self.write(init=summary(error))
        else:
            try:
                self._serve(lines)
            except ConnectionError:
                return  # the platform is gone

    def _serve(self, lines: Any) -> None:
        self.write(ready=True)
        for line in lines:
            message = json.loads(line)
            if "answer" in message:
                loop, future = self._asked.pop(message["answer"])
                loop.call_soon_threadsafe(settle, future, message)
            else:
                cpu_seconds(self.settings["timeout"] * self.settings["concurrency"])
                self._begin(message)

    def _init(self) -> None:
        settings = self.settings
        name, folder = settings["name"], settings["folder"]
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(settings["environment"])
        limit(settings["memory_mb"])
        cpu_seconds(settings["init_timeout"])
        if settings["confine"]:
            confine(folder)
        names: dict[str, Any] = {"__name__": name}
        exec(compile(settings["source"], f"{name}.py", "exec"), names)  # noqa: S102  # what was deployed
        self._handler = names.get("handler")
        if not callable(self._handler):
            raise NoHandlerError
        code = getattr(self._handler, "__code__", None)
        waits = bool(code and code.co_flags & ASYNC)
        if waits:
            import asyncio  # noqa: F401  # now, and not in its first request
        if waits or settings["concurrency"] > 1:
            import threading

            threading.stack_size(1 << 20)  # the limit counts all of a stack
            self._lock = threading.Lock()

    def _begin(self, request: dict[str, Any]) -> None:
        if self._lock is None:
            self._run(request)
        else:
            import threading

            threading.Thread(target=self._run, args=(request,), daemon=True).start()

    def _run(self, request: dict[str, Any]) -> None:
        number = request["n"]
        try:
            value = self._handler(request["event"], Context(self, request))
            if hasattr(value, "__await__"):
                import asyncio

                value = asyncio.run(value)  # this process is its own
            self.write(n=number, status="ok", value=value, peak=self._memory.peak())
        except MemoryError:
            self.write(n=number, status="memory", error="out of memory")
        except (SystemExit, KeyboardInterrupt) as error:
            code = getattr(error, "code", 1)
            os._exit(code if isinstance(code, int) else 1)
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is reported
            self.write(n=number, status="error", error=summary(error))

    async def ask(self, number: int, name: str, event: Any) -> Any:
        """Have the platform run another function; return its answer."""
        import asyncio

        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._asked[id(future)] = loop, future
        self.write(call=id(future), n=number, name=name, event=event)
        return await future

    def write(self, **message: Any) -> None:
        """Write a line to the platform."""
        text = json.dumps(message).encode() + b"\n"
        if self._lock is None:
            write(self._fd, text)
        else:
            with self._lock:
                write(self._fd, text)

    def _let_go(self) -> None:
        """Keep a process that the function has forked from answering for it."""
        os.dup2(self._null, self._fd, inheritable=False)


class Memory:
    """The most memory that this process has had at once.

    `ru_maxrss` would begin at what its parent had. The kernel's own figure takes 20 µs
    to read, so it is read only where pages have been added since.
    """

    def __init__(self) -> None:
        self._faults, self._mb, self._status = -FAULTS, 0, -1
        if sys.platform == "linux":
            self._status = os.open("/proc/self/status", os.O_RDONLY)

    def peak(self) -> int:
        """Return it, in MB."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        if self._status < 0:
            return usage.ru_maxrss >> 20  # macOS counts bytes
        if usage.ru_minflt - self._faults >= FAULTS:
            self._faults = usage.ru_minflt
            text = os.pread(self._status, 4096, 0)
            self._mb = int(text.partition(b"VmHWM:")[2].split(None, 1)[0]) >> 10
        return self._mb


def settle(future: Any, answer: Any) -> None:
    """Hand an answer to a handler that still waits for it."""
    if not future.done():
        future.set_result(answer)


def write(fd: int, text: bytes) -> None:
    """Write all of it, however much the socket takes at once."""
    while text:
        text = text[os.write(fd, text) :]


def summary(error: BaseException) -> str:
    """Return an error as `movingparts.core.node.summary` does."""
    import traceback

    what = traceback.format_exception_only(error)[-1].strip()
    what = what if len(what) <= 1000 else f"{what[:1000]}…"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{what} (in {frames[-1].name}, line {frames[-1].lineno})"


def limit(memory_mb: int) -> None:
    """Set limits of this process that the kernel keeps.

    AS is address space, which is more than the memory in use: beyond it, Python raises
    `MemoryError`. FSIZE is the size of each file, not of all together; NOFILE is the
    number of open files; CORE is 0, so that a crash writes no dump. NPROC is left
    alone: it counts all processes of a user, and doesn't hold for root. None of these
    keeps a function from reading files, or from the network.
    """
    most = {
        resource.RLIMIT_AS: memory_mb << 20,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    for what, value in most.items():
        hard = resource.getrlimit(what)[1]
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(what, (soft, soft))
        except ValueError:
            if what != resource.RLIMIT_AS:  # macOS does not limit it
                raise


def cpu_seconds(more: float) -> None:
    """Let the kernel end this process if it computes for so much longer.

    The platform ends it before that; this is for when the platform is gone.
    """
    soft = int(time.process_time() + more) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def confine(folder: str) -> None:
    """Let this process read Python's folders, write its own folder, and no more.

    The kernel's Landlock holds it, for all that the process starts, too. There is no
    TCP, no other file and no signal to others. Leaves out: UDP, and forking.
    """
    from py_landlock import Landlock, PathError

    rules = Landlock(strict=False)
    for path in (sys.prefix, sys.base_prefix, "/lib", "/lib64", "/usr/lib"):
        try:
            rules.allow_read(path)
        except PathError:
            continue  # this system has no such folder
    rules.allow_read_write(folder)
    rules.apply()


if __name__ == "__main__":
    Worker().serve(int(sys.argv[1]))
