"""What changes while Envoys run, and what services get from then on.

Source: chapter 12. Leaves out: how soon (each Envoy asks every 0.2 s), and the request
that may be cut off while an Envoy replaces its listener.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

import httpx

from movingparts.control_plane import Policy
from movingparts.core.random import Constant
from movingparts.faults import Fault
from movingparts.scenes.ch12.callers import FORGED, PATH, Doors, client
from movingparts.scenes.ch12.city_without import ONLY_RIDES, City
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.screens import TEST
from movingparts.scenes.ch12.three_meshes import guarded
from movingparts.world import Table

PATIENCE = 10.0  # seconds until a change must be there
TRIES = 20  # requests at once, of which each may meet a fault or not
BOTH = Policy(callers=("rides", "billing"))
SLOW = ONLY_RIDES.model_copy(update={"seconds": 0.02})
SELDOM = BOTH.model_copy(update={"rate": 1 / 60})
FAULT = Fault("availability", header=TEST, share=0.5, abort=503)
FAULTY = BOTH.model_copy(update={"faults": (FAULT,)})


@dataclass
class Watch:
    """What callers get: rides through its Envoy, billing at availability's door."""

    city: City
    doors: Doors
    rows: list[tuple[str, ...]] = field(default_factory=list)

    async def gets(self, who: str) -> str:
        """Return what a caller gets, or all that it gets if it asks often."""
        headers = dict([TEST]) if who.endswith("tests") else {}
        ask = self._billing if who == "billing" else self._rides
        tries = TRIES if " " in who else 1
        found = await asyncio.gather(*(_answer(ask(headers)) for _ in range(tries)))
        return " or ".join(sorted({*found}))

    async def _rides(self, headers: dict[str, str]) -> httpx.Response:
        async with client(None) as asking:
            named = {"host": "availability", **headers}
            return await asking.get(f"{self.doors.rides}{PATH}", headers=named)

    async def _billing(self, headers: dict[str, str]) -> httpx.Response:
        async with client(self.doors.authority.issue("billing").client()) as asking:
            name = {"sni_hostname": "availability"}
            url = f"{self.doors.availability}{PATH}"
            return await asking.get(url, headers=FORGED | headers, extensions=name)

    async def until(self, change: str, **expected: str) -> None:
        """Note what each caller gets, once it is what is expected, or after a while."""
        clock = self.city.world.clock
        end = clock.monotonic() + PATIENCE
        for caller, what in expected.items():
            who = caller.replace("_", " ")
            while (found := await self.gets(who)) != what and clock.monotonic() < end:
                await clock.sleep(0.05)
            self.rows.append((change, who, found))


async def _answer(asked: Awaitable[httpx.Response]) -> str:
    try:
        answer = await asked
    except httpx.TransportError:
        return "cut off"
    copy = f" from {answer.json()['copy']}" if answer.is_success else ""
    return f"{answer.status_code}{copy}"


async def changes(city: City, doors: Doors) -> Table:
    """Change the mesh, one thing after another; return what callers get then."""
    watch, first = Watch(city, doors), "200 from availability"
    second, copy = f"{first}-2", Copy(work=Constant(0.1))
    other = await city.world.serve("availability-2", copy)
    await watch.until("nothing yet", rides=first)
    await city.policy(BOTH)
    await watch.until("billing may call too", billing=first)
    await city.policy(SELDOM)
    await watch.until("each may call once a minute", rides="429", billing="429")
    await city.policy(FAULTY)
    half, either = "no limit; half of all tests fail", f"{first} or 503"
    await watch.until(half, rides_for_riders=first, rides_for_tests=either)
    await city.policy(BOTH)
    copy.failing = bool  # of the number of each request, from 1
    async with guarded(city, other.name, doors.authority):
        broken = "a second copy fails each time"
        await watch.until(broken, rides_for_riders=f"{first} or 500")
        await watch.until("five failures later", rides_for_riders=first)
        copy.failing = None
        await city.lease("DELETE", doors.availability)
        await watch.until("it's mended; the first one leaves", rides=second)
        await city.policy(SLOW)
        await watch.until("at most 20 ms for an answer", rides="504")
        await city.policy(BOTH)
        await watch.until("1 s again", rides=second)
        await city.stop_control_plane()
        await city.world.clock.sleep(0.3)  # so that each Envoy has asked in vain
        await watch.until("the control plane stops", rides=second)
    return Table(("what changes", "who calls", "gets"), watch.rows)
