"""Instances in AWS's own runtime for Python, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from movingparts.core.clock import Clock
from movingparts.function.contract import (
    Code,
    FunctionError,
    InitError,
    Request,
    Result,
)
from movingparts.function.lambda_api import Environment, runtime_api
from movingparts.world.local.server import Listener
from movingparts.world.local.watchdog import PREFIX, Watchdog, end

GRACE = 1.0  # seconds that the API has to stop in
INIT = 10.0  # seconds that AWS Lambda gives an instance to start
COMMAND = [sys.executable, "-m", "awslambdaric", "lambda_function.handler"]

NOT_HERE = """\
AWS's runtime client for Python runs on Linux alone, with the package awslambdaric:
install it there, or run this function with SimulatedBackend"""
ONE_AT_A_TIME = "an instance of AWS Lambda takes one request at a time, not {}"


class LambdaBackend:
    """Runs a function's source the way AWS Lambda does: with `awslambdaric`.

    The memory limit is one of addresses. A request's id is quoted, as in a URL.

    Source: AWS, "Using the Lambda runtime API", and the package itself. Leaves out: the
    virtual machine around each process, a function's logs, and what only our own
    platform has: handlers that are `async def`, and `context.invoke`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._watchdog = clock, Watchdog()

    async def start(self, code: Code) -> LambdaInstance:
        """Start AWS's runtime with the source, and wait until it asks for an event."""
        if sys.platform != "linux" or find_spec("awslambdaric") is None:
            raise FunctionError(NOT_HERE)
        if code.config.concurrency > 1:
            raise FunctionError(ONE_AT_A_TIME.format(code.config.concurrency))
        instance = LambdaInstance(code, self._clock, self._watchdog)
        try:
            await instance.start()
        except BaseException:
            await instance.close()
            raise
        return instance


class LambdaInstance:
    """A process of `awslambdaric`, and the runtime API that it asks for events."""

    def __init__(self, code: Code, clock: Clock, watchdog: Watchdog) -> None:
        self._code, self._clock, self._watchdog = code, clock, watchdog
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}lambda-"))
        watchdog.own_folder(self._folder)
        arn = f"arn:aws:lambda:local:000000000000:function:{code.name}:{code.version}"
        self._environment = Environment(arn)
        api = runtime_api(self._environment)
        self.logs: list[str] = []  # of the API
        self._listener = Listener(api, code.name, self.logs.append)
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = -1  # the file descriptor that is readable once it has ended

    async def start(self) -> None:
        """Raise `InitError` if the source raises, or takes too long."""
        await self._listener.start()
        (self._folder / "lambda_function.py").write_text(self._code.source, "utf-8")
        self._launch()
        try:
            async with asyncio.timeout(INIT):
                started = await self._environment.started
        except TimeoutError:
            raise InitError(f"did not start within {INIT:g} s") from None
        if started.status != "ok":
            raise InitError(started.error)

    def _launch(self) -> None:
        import resource  # Windows has none

        config = self._code.config
        self._process = subprocess.Popen(
            COMMAND,
            cwd=self._folder,
            env={
                **self._code.environment,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
                "AWS_LAMBDA_FUNCTION_NAME": self._code.name,
                "AWS_LAMBDA_FUNCTION_VERSION": str(self._code.version),
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._listener.port}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        most = config.memory_mb * 1024 * 1024
        resource.prlimit(self._process.pid, resource.RLIMIT_AS, (most, most))
        self._watchdog.own_process(self._process.pid)
        self._ending = os.pidfd_open(self._process.pid)
        asyncio.get_running_loop().add_reader(self._ending, self._end)

    async def run(self, request: Request) -> Result:
        """Let the runtime call the handler; end the process if that takes too long."""
        timeout = self._code.config.timeout
        deadline_ms = int((self._clock.now().timestamp() + timeout) * 1000)
        try:
            async with asyncio.timeout(timeout):
                return await self._environment.run(
                    request.id, request.event, deadline_ms=deadline_ms
                )
        except TimeoutError:
            self._end()
            return Result("timeout", error=f"over {timeout:g} s", alive=False)

    def _end(self) -> None:
        """End the process with all that it has started, unless that was done."""
        process, self._process = self._process, None
        if process is None:
            return
        asyncio.get_running_loop().remove_reader(self._ending)
        os.close(self._ending)
        end(process.pid)  # not waited for yet, so the number is still its own
        code = process.wait()
        self._watchdog.release_process(process.pid)
        self._environment.end(Result("killed", error=how(code), alive=False))

    async def close(self) -> None:
        """End the process, stop its API, remove its folder. Repeatable."""
        self._end()
        await self._listener.stop(GRACE)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._watchdog.release_folder(self._folder)


def how(code: int) -> str:
    """Return how a process ended, in words."""
    end = signal.Signals(-code).name if code < 0 else f"code {code}"
    return f"its process is gone: {end}"
