"""The scheduler: which instance takes a request, when one starts, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from movingparts.core.clock import Clock
from movingparts.core.node import Tasks
from movingparts.function.contract import (
    Backend,
    Code,
    InitError,
    Instance,
    Invocation,
    Request,
    Result,
    Status,
)

TICK = 0.000_001  # seconds: no clock of ours tells less apart


@dataclass(slots=True, eq=False)
class Slot:
    """An instance, its number, how many requests it has, and when it had none."""

    instance: Instance
    number: int
    busy: int = 0
    idle_since: float = 0.0
    provisioned: bool = False


@dataclass(slots=True, eq=False)
class Start:
    """An instance that is not up yet, and how many requests wait for it."""

    slot: asyncio.Future[Slot]
    busy: int = 1


class Pool:
    """The instances of one version: as many as there are requests, and none at night.

    `admit` says whether the platform lets one request more run. `resized` is called
    whenever the number of instances changes.

    Source: chapter 11; AWS Lambda's concurrency. Leaves out: several machines, and
    which of them has room.
    """

    def __init__(
        self,
        code: Code,
        backend: Backend,
        clock: Clock,
        tasks: Tasks,
        *,
        admit: Callable[[], bool] = lambda: True,
        resized: Callable[[], None] = lambda: None,
    ) -> None:
        self.code, self.running, self._started = code, 0, 0
        self._backend, self._clock, self._tasks = backend, clock, tasks
        self._admit, self._resized = admit, resized
        self._slots: list[Slot] = []  # the one that was used last is the last
        self._starting: list[Start] = []
        self._reaping, self._ready = False, True

    def __len__(self) -> int:
        return len(self._slots)

    async def provision(self) -> None:
        """Start the instances that are to be there before anybody asks."""
        for _ in range(self.code.config.provisioned):
            await self._provision_one()

    async def _provision_one(self) -> None:
        slot = await self._start()
        there = sum(each.provisioned for each in self._slots)
        slot.provisioned = self._ready and there < self.code.config.provisioned
        await self._release(slot)

    def keep_ready(self, ready: bool) -> None:
        """Provision instances again, or let them end as the others do when idle."""
        if ready and not self._ready:
            again = self.provision()
            self._tasks.create_task(again, name=f"provision {self.code.name}")
        self._ready = ready
        for slot in self._slots:
            if slot.provisioned and not ready:
                slot.provisioned, slot.idle_since = False, self._clock.monotonic()
                self._end_idle()

    def _end_idle(self) -> None:
        """See that instances end which nobody uses, unless a task does already."""
        if not self._reaping:
            self._reaping = True
            self._tasks.create_task(self._reap(), name=f"end idle {self.code.name}")

    async def invoke(self, request: Request) -> Invocation:
        """Run a request on an idle instance, or on a new one; or refuse it.

        A caller that stops waiting does not end it.
        """
        work = self._invoke(request)
        return await asyncio.shield(self._tasks.create_task(work, name=request.id))

    async def _invoke(self, request: Request) -> Invocation:
        began = self._clock.monotonic()
        if not self._admit():
            return self._report(request, began, began, "throttled")
        self.running += 1
        try:
            slot, ready = self._idle(), began
            if slot is None:
                slot = await self._up()
                ready = self._clock.monotonic()
            return await self._run(slot, request, began, ready)
        except InitError as error:
            return self._report(request, began, began, "init", str(error))
        finally:
            self.running -= 1

    async def _run(
        self, slot: Slot, request: Request, began: float, ready: float
    ) -> Invocation:
        alive = True
        try:
            result = await slot.instance.run(request)
            alive = result.alive
            return self._report(request, began, ready, result, slot=slot)
        finally:
            await self._release(slot, alive=alive)

    def _idle(self) -> Slot | None:
        """Take a place in the instance used last, so that others can end."""
        for slot in reversed(self._slots):
            if slot.busy < self.code.config.concurrency:
                slot.busy += 1
                return slot
        return None

    async def _up(self) -> Slot:
        """Wait for an instance: one that starts already and has room, or a new one."""
        for start in self._starting:
            if start.busy < self.code.config.concurrency:
                start.busy += 1
                return await asyncio.shield(start.slot)
        return await self._start()

    async def _start(self) -> Slot:
        start = Start(asyncio.get_running_loop().create_future())
        self._starting.append(start)
        try:
            instance = await self._backend.start(self.code)
        except Exception as error:
            start.slot.set_exception(error)
            start.slot.exception()  # for those who wait, if any do
            raise
        finally:
            self._starting.remove(start)
        self._started += 1
        slot = Slot(instance, self._started, busy=start.busy)
        self._slots.append(slot)
        self._resized()
        start.slot.set_result(slot)
        return slot

    async def _release(self, slot: Slot, *, alive: bool = True) -> None:
        slot.busy -= 1
        if not alive and slot in self._slots:
            await self._end(slot)
            if slot.provisioned:  # there is to be another in its place
                again = self._provision_one()
                self._tasks.create_task(again, name=f"provision {self.code.name}")
        if slot not in self._slots:  # it has ended under this request or another
            return
        self._slots.remove(slot)
        self._slots.append(slot)
        slot.idle_since = self._clock.monotonic()
        if not slot.provisioned:
            self._end_idle()

    async def _reap(self) -> None:
        """End each instance that nobody has used for `keep_warm` seconds."""
        warm = self.code.config.keep_warm
        while idle := [s for s in self._slots if not (s.busy or s.provisioned)]:
            ends = min(slot.idle_since for slot in idle) + warm
            await self._clock.sleep(max(ends - self._clock.monotonic(), TICK))
            now = self._clock.monotonic()
            for slot in idle:
                if not slot.busy and now - slot.idle_since >= warm:
                    await self._end(slot)
        self._reaping = False

    async def _end(self, slot: Slot) -> None:
        if slot in self._slots:
            self._slots.remove(slot)
            self._resized()
            await slot.instance.close()

    async def close(self) -> None:
        """End all instances."""
        while self._slots:
            await self._slots.pop().instance.close()
        self._resized()

    def _report(
        self,
        request: Request,
        began: float,
        ready: float,
        what: Result | Status,
        error: str = "",
        *,
        slot: Slot | None = None,
    ) -> Invocation:
        result = what if isinstance(what, Result) else Result(what, error=error)
        now, code = self._clock.monotonic(), self.code
        if result.status == "init":  # all of its time
            ready = now
        elif result.status == "throttled":
            now = ready
        return Invocation(
            request.id,
            code.name,
            code.version,
            began,
            result.status,
            result.value,
            result.error,
            init=round(ready - began, 6),
            run=round(now - ready, 6),
            memory_mb=code.config.memory_mb,
            provisioned=slot is not None and slot.provisioned,
            instance=slot.number if slot else 0,
            parent=request.parent,
        )
