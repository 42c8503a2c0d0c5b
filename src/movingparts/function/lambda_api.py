"""AWS Lambda's runtime API: how a runtime gets its events, and answers them.

A runtime is the process that has a function's source. It asks for an event, calls the
handler, posts what came back, and asks for the next one.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request, Response

from movingparts.function.contract import Result

ROOT = "/2018-06-01/runtime"
READY = Result("ok")


class Environment:
    """One execution environment, as its runtime sees it: one event at a time.

    `started` is settled when the runtime asks for its first event, or gives up before.
    """

    def __init__(self, arn: str) -> None:
        self.arn = arn
        new_future = asyncio.get_running_loop().create_future
        self.started: asyncio.Future[Result] = new_future()
        self._outcome: asyncio.Future[Result] = new_future()
        self._headers: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._request_id, self._event = "", b""

    async def run(self, request_id: str, event: Any, *, deadline_ms: int) -> Result:
        """Give the runtime an event, and wait for what it makes of it."""
        self._outcome = asyncio.get_running_loop().create_future()
        self._request_id, self._event = request_id, json.dumps(event).encode()
        await self._headers.put(
            {
                "Lambda-Runtime-Aws-Request-Id": quote(request_id),
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            }
        )
        return await self._outcome

    async def next(self) -> Response:
        """Wait until there is an event; without one, the runtime waits forever."""
        if not self.started.done():
            self.started.set_result(READY)
        headers = await self._headers.get()
        return Response(self._event, headers=headers, media_type="application/json")

    def settle(self, request_id: str, result: Result) -> None:
        """Take the answer for the event that the runtime has."""
        if request_id != self._request_id or self._outcome.done():
            raise HTTPException(400, "InvalidRequestID")
        self._outcome.set_result(result)

    def end(self, result: Result) -> None:
        """Settle whatever is open: the runtime will not answer any more."""
        for future in (self.started, self._outcome):
            if not future.done():
                future.set_result(result)
        self._headers.put_nowait({})  # whoever still waits for an event is gone


def runtime_api(environment: Environment) -> FastAPI:
    """Return the API that a runtime finds at `AWS_LAMBDA_RUNTIME_API`.

    Source: AWS, "Using the Lambda runtime API", version 2018-06-01. Leaves out:
    tracing, streamed responses, and starts from a snapshot.
    """
    app = FastAPI(title="Lambda runtime API")
    invocation = f"{ROOT}/invocation/{{request_id:path}}"

    @app.get(f"{ROOT}/invocation/next")
    async def next_event() -> Response:
        return await environment.next()

    @app.post(f"{invocation}/response", status_code=202)
    async def response(request_id: str, request: Request) -> None:
        environment.settle(request_id, Result("ok", await request.json()))

    @app.post(f"{invocation}/error", status_code=202)
    async def error(request_id: str, request: Request) -> None:
        environment.settle(request_id, failed(await request.json()))

    @app.post(f"{ROOT}/init/error", status_code=202)
    async def init_error(request: Request) -> None:
        environment.end(failed(await request.json()))

    return app


def failed(report: dict[str, Any]) -> Result:
    """Return what a runtime reports of an exception as a result."""
    if report["errorType"] == "MemoryError":
        return Result("memory", error="out of memory", alive=False)
    return Result("error", error="{errorType}: {errorMessage}".format(**report))
