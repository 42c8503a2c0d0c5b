"""The platform: takes a function's source, and runs it whenever something happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from movingparts.core.bus import BusError
from movingparts.core.event import Event
from movingparts.core.node import Node
from movingparts.function.contract import (
    Backend,
    Code,
    Config,
    FunctionError,
    Invocation,
    Request,
    UnknownFunctionError,
)
from movingparts.function.pool import Pool
from movingparts.function.queue import AsyncQueue, Retry
from movingparts.function.triggers import Destination, Trigger
from movingparts.function.versions import LIVE, Function, check_syntax, text_of


class Platform:
    """Runs functions: starts instances, ends them, retries, and keeps the meter.

    `limit` is how many requests may run at once, over all functions. `secrets` are
    values that a function gets as environment, if its `Config` names them. Each ended
    invocation is in `invocations`, and each change of the number of a function's
    instances in `sizes`: time, function, number.

    Source: chapter 11; AWS Lambda's terms. Leaves out: who may deploy, and several
    machines. Versions live as long as the platform: deploy again after a crash, then
    call `resume`.
    """

    def __init__(
        self,
        node: Node,
        backend: Backend,
        *,
        limit: int = 1000,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self.node, self.limit = node, limit
        self.functions: dict[str, Function] = {}
        self.invocations: list[Invocation] = []
        self.sizes: list[tuple[float, str, int]] = []
        self._backend, self._secrets = backend, dict(secrets or {})
        self.queue = AsyncQueue(
            node.disk.connect("invocations.sqlite"),
            self._run_and_publish,
            self._dead_letter,
            clock=node.clock,
            random=node.random,
            tasks=node.tasks,
        )

    async def deploy(
        self,
        name: str,
        source: str | Path,
        *,
        triggers: tuple[Trigger, ...] = (),
        retry: Retry | None = None,
        dead_letter: str | None = None,
        on_success: Destination | None = None,
        **config: Any,
    ) -> int:
        """Make a new version, to which `name` alone points at once; return its number.

        `source` has `handler(event, context)`; `config` is a `Config`'s; `dead_letter`
        is a subject, and `on_success` where the value of an asynchronous invocation
        goes as an event. Raises `FunctionError` if it cannot be, `InitError` if a
        provisioned instance does not start; the version before then stays in place.
        """
        text = text_of(source)
        wanted = Config(**config)
        function = self.functions.get(name) or Function(name)
        version = max(function.versions, default=0) + 1
        code = Code(name, version, text, wanted, self._environment(wanted))
        check_syntax(name, text)
        self._reserve(name, wanted)
        pool = Pool(
            code,
            self._backend,
            self.node.clock,
            self.node.tasks,
            admit=lambda: self._admits(name),
            resized=lambda: self._resized(name),
        )
        await self._add(function, version, pool)
        function.go_live(version)
        function.dead_letter, function.on_success = dead_letter, on_success
        self.queue.retry[name] = retry or Retry()
        for trigger in triggers:
            if trigger not in function.triggers:  # a new version keeps the old ones
                function.triggers.add(trigger)
                await trigger.connect(self, name)
        return version

    async def _add(self, function: Function, version: int, pool: Pool) -> None:
        """Add a version once it is provisioned; leave nothing of one that can't be."""
        self.functions[function.name] = function
        function.versions[version] = pool
        try:
            await pool.provision()
        except BaseException:
            await pool.close()
            del function.versions[version]
            if not function.versions:
                del self.functions[function.name]
            raise

    def alias(self, name: str, alias: str, version: int) -> None:
        """Let `name:alias` mean a version."""
        self._function(name).alias(alias, version)

    def roll_back(self, name: str) -> int:
        """Let `name` mean the version before the last deployment; return it."""
        return self._function(name).roll_back()

    async def invoke(
        self, name: str, event: Any, *, request_id: str = ""
    ) -> Invocation:
        """Run a function and wait for what becomes of it.

        `name` may have an alias or a version: `fares:live`, `fares:3`. Whatever goes
        wrong in the function is the invocation's `status`; `FunctionError` is raised
        where there is no such function.
        """
        return await self._run(name, event, request_id or self.node.new_id())

    def send(self, name: str, event: Any, *, request_id: str = "") -> str:
        """Save an event to be run soon, again if it fails; return its id."""
        self._pool(name)
        request_id = request_id or self.node.new_id()
        self.queue.add(request_id, name, event)
        return request_id

    def resume(self) -> int:
        """Go on with the events that were saved before a crash; return how many."""
        return self.queue.resume()

    async def close(self) -> None:
        """End all instances."""
        for function in self.functions.values():
            for pool in function.versions.values():
                await pool.close()

    # --- Inside -----------------------------------------------------------------------

    async def _run(
        self, name: str, event: Any, request_id: str, parent: str = ""
    ) -> Invocation:
        call = partial(self._call, request_id)
        request = Request(request_id, event, call, parent)
        done = await self._pool(name).invoke(request)
        self.invocations.append(done)
        return done

    async def _run_and_publish(
        self, name: str, event: Any, request_id: str
    ) -> Invocation:
        """Run a function, and publish its value; it has failed if that can't be."""
        done = await self._run(name, event, request_id)
        destination = self._function(done.function).on_success
        if destination is None or done.status != "ok":
            return done
        try:
            await destination.publish(self.node, done)
        except BusError as error:
            return replace(done, status="error", error=f"not published: {error}")
        return done

    async def _call(self, parent: str, name: str, event: Any) -> Any:
        """Run a function for another function, which waits for it and is billed."""
        done = await self._run(name, event, self.node.new_id(), parent)
        if done.status != "ok":
            raise FunctionError(f"{name}: {done.status} {done.error}".strip())
        return done.value

    def _function(self, name: str) -> Function:
        try:
            return self.functions[name]
        except KeyError:
            there = ", ".join(self.functions) or "none yet"
            raise UnknownFunctionError(
                f"there is no function {name!r}; there are: {there}"
            ) from None

    def _pool(self, qualified: str) -> Pool:
        name, _, which = qualified.partition(":")
        return self._function(name).pool(which or LIVE)

    def _environment(self, config: Config) -> dict[str, str]:
        unknown = [name for name in config.secrets if name not in self._secrets]
        if unknown:
            raise FunctionError(f"there is no secret named {unknown[0]!r}")
        secrets = {name: self._secrets[name] for name in config.secrets}
        return {**config.environment, **secrets}

    def _reserve(self, name: str, config: Config) -> None:
        others = sum(
            function.reserved or 0
            for function in self.functions.values()
            if function.name != name
        )
        if others + (config.reserved or 0) > self.limit:
            raise FunctionError(
                f"{config.reserved} of {self.limit} can't be reserved for {name}:"
                f" {others} are others' already"
            )

    def _admits(self, name: str) -> bool:
        """Whether one request more of this function may run now."""
        function = self.functions[name]
        if function.reserved is not None:
            return function.running < function.reserved
        shared = [f for f in self.functions.values() if f.reserved is None]
        reserved = sum(f.reserved or 0 for f in self.functions.values())
        return sum(f.running for f in shared) < self.limit - reserved

    def _resized(self, name: str) -> None:
        count = sum(map(len, self.functions[name].versions.values()))
        self.sizes.append((self.node.clock.monotonic(), name, count))

    async def _dead_letter(self, name: str, event: Any, last: Invocation) -> None:
        """Publish an event that was given up, and why, on its function's subject."""
        function = self._function(name.partition(":")[0])
        self.node.logs.append(f"{name} gave up {last.id}: {last.status} {last.error}")
        if function.dead_letter is None:
            return
        letter = Event(
            self.node.new_id(),
            f"/functions/{function.name}",
            "InvocationGivenUp",
            {"event": event, "status": last.status, "error": last.error},
            subject=last.id,
            time=self.node.clock.now(),
        )
        await self.node.bus.publish(function.dead_letter, letter)
