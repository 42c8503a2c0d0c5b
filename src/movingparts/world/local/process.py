"""A spawned service's own process: `python -m movingparts.world.local.process`."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from movingparts.bus.nats import connect
from movingparts.core.asgi import refuse_threads
from movingparts.core.errors import WorldError
from movingparts.core.node import Factory, summary
from movingparts.world.local.bus import Line
from movingparts.world.local.clock import RealClock
from movingparts.world.local.directory import Directory
from movingparts.world.local.ledger import REPORTS, Mirror, Reporter, settling
from movingparts.world.local.site import Life, Site

EVERY = 0.02  # seconds between two reports to the kernel


class _PrintedLog(list[str]):
    """A log whose lines go to standard output, which the kernel has in a file."""

    def append(self, line: str) -> None:
        super().append(line)
        print(line, flush=True)  # noqa: T201  # the kernel reads it there


class Child:
    """One spawned service, from its settings to its end."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self.name: str = settings["name"]
        self._clock = RealClock(settings["origin_ns"])
        self._reports: list[dict[str, Any]] = []
        self._mirror = Mirror(f"{self.name}-{settings['number']}")
        self._nats: Client | None = None
        self._life: Life | None = None
        self._reporting = True

    def __repr__(self) -> str:
        return f"<Child {self.name}>"

    async def run(self, factory: Factory, ready: Path) -> None:
        """Serve until SIGTERM, then finish what has begun."""
        refuse_threads()
        leave = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
        settings = self._settings
        self._nats = await connect(
            settings["nats"], token=settings["token"], name=self.name
        )
        await self._nats.subscribe(settling(self.name), cb=self._settle)
        life = Life(self._site(), self.name, _PrintedLog(), settings["number"])
        self._life = life
        await life.serve(factory)
        reporting = asyncio.create_task(self.report_often(self._nats), name="reports")
        write_answer(ready, {"port": life.port})
        await leave.wait()
        await life.stop()
        with contextlib.suppress(Exception):  # the broker may be gone already
            await self.last_report(self._nats, reporting)
            await self._nats.close()

    def _site(self) -> Site:
        settings = self._settings
        folder = Path(settings["folder"])
        return Site(
            folder=folder,
            directory=Directory(folder / "services.json"),
            clock=self._clock,
            notes=Reporter(self._reports.append),
            seed=settings["seed"],
            line=Line(
                settings["nats"],
                settings["token"],
                self._mirror,
                self._clock.time_us,
                self._down,
            ),
        )

    def _down(self) -> str:
        connected = self._nats is not None and self._nats.is_connected
        return "" if connected else "the connection is lost"

    async def report_often(self, nats: Client) -> None:
        """Report what is new, until the last report."""
        while self._reporting:
            await asyncio.sleep(EVERY)
            if nats.is_connected:
                await self._report(nats)

    async def last_report(self, nats: Client, reporting: asyncio.Task[None]) -> None:
        """Let the report under way end, and send what is left.

        To cancel it could cut off a flush, and then nats-py fails at its answer.
        """
        self._reporting = False
        await reporting
        await self._report(nats)

    async def _report(self, nats: Client, *more: dict[str, Any]) -> None:
        reports = [*self._reports, *self._mirror.news(), *more]
        self._reports.clear()
        for batch in batches(reports, nats.max_payload):
            await nats.publish(REPORTS, batch)
        await nats.flush()

    async def _settle(self, message: Msg) -> None:
        """Report all; say that it was all once the service's bus is there too."""
        ready = self._life is not None and self._life.connected
        assert self._nats is not None  # it brought the message
        await self._report(self._nats, *([{"settled": self.name}] if ready else []))


def batches(reports: Iterable[dict[str, Any]], most: int) -> Iterator[bytes]:
    """Divide reports into JSON lists of at most `most` bytes; a larger one is alone."""
    batch: list[str] = []
    size = 0
    for report in map(json.dumps, reports):
        if batch and size + len(report) + 2 > most:
            yield f"[{','.join(batch)}]".encode()
            batch, size = [], 0
        batch.append(report)
        size += len(report) + 1
    if batch:
        yield f"[{','.join(batch)}]".encode()


def load(target: str) -> Factory:
    """Import the factory; raise `WorldError` in one sentence where that fails."""
    module, _, name = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise WorldError(f"{target} cannot be imported: {summary(error)}") from error
    return found  # type: ignore[no-any-return]  # `build` looks at what it is


def write_answer(ready: Path, answer: dict[str, Any]) -> None:
    """Tell the kernel how the start went, in a file that appears all at once."""
    fresh = ready.with_suffix(".new")
    fresh.write_text(json.dumps(answer))
    fresh.replace(ready)


def main(config: Path) -> int:
    """Run the service that the settings in a file describe."""
    settings = json.loads(config.read_text())
    sys.path.extend(entry for entry in settings["path"] if entry not in sys.path)
    ready = config.with_suffix(".ready")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(Child(settings).run(load(settings["target"]), ready))
    except WorldError as error:
        write_answer(ready, {"error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
