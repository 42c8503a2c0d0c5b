"""What changes while Envoys run, and what rides gets from then on.

Source: chapter 12. Leaves out: how soon (each Envoy asks every 0.2 s).
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from movingparts.core.random import Constant
from movingparts.scenes.ch12.callers import FORGED, PATH, Doors, client
from movingparts.scenes.ch12.city_without import ONLY_RIDES, City
from movingparts.scenes.ch12.copies import Copy
from movingparts.scenes.ch12.three_meshes import guarded
from movingparts.world import Table

PATIENCE = 10.0  # seconds until a change must be there


@dataclass
class Watch:
    """What rides gets through its Envoy, and billing at availability's."""

    city: City
    doors: Doors

    async def rides(self) -> str:
        """Return what rides gets."""
        async with client(None) as asking:
            url, headers = f"{self.doors.rides}{PATH}", {"host": "availability"}
            answer = await asking.get(url, headers=headers)
            return str(answer.status_code) + self._copy(answer)

    @staticmethod
    def _copy(answer: httpx.Response) -> str:
        return f" from {answer.json()['copy']}" if answer.is_success else ""

    async def billing(self) -> str:
        """Return what billing gets, with a certificate of its own."""
        async with client(self.doors.authority.issue("billing").client()) as asking:
            name = {"sni_hostname": "availability"}
            url = f"{self.doors.availability}{PATH}"
            answer = await asking.get(url, headers=FORGED, extensions=name)
            return str(answer.status_code)

    async def row(self, change: str, *expected: str) -> tuple[str, ...]:
        """Return a row, once both get what is expected, or after a while."""
        clock = self.city.world.clock
        end = clock.monotonic() + PATIENCE
        while True:
            found = await self.rides(), await self.billing()
            if found == expected or clock.monotonic() > end:
                return (change, *found)
            await clock.sleep(0.05)


async def changes(city: City, doors: Doors) -> Table:
    """Change the mesh in four ways; return what the two get after each."""
    watch, first, second = Watch(city, doors), "200 from availability", "availability-2"
    other = f"200 from {second}"
    slow = await city.world.serve(second, Copy(work=Constant(0.1)))
    rows = [await watch.row("nothing yet", first, "403")]
    async with guarded(city, slow.name, doors.authority):
        await city.lease("DELETE", doors.availability)
        rows.append(await watch.row("another copy takes over", other, "403"))
        await city.policy(ONLY_RIDES.model_copy(update={"seconds": 0.02}))
        rows.append(await watch.row("at most 20 ms for an answer", "504", "403"))
        both = ONLY_RIDES.model_copy(update={"callers": ("rides", "billing")})
        await city.policy(both)
        rows.append(await watch.row("1 s again, and billing may call", other, "200"))
        await city.stop_control_plane()
        await city.world.clock.sleep(0.3)  # so that each Envoy has asked in vain
        rows.append(await watch.row("the control plane stops", other, "200"))
    return Table(("what changes", "rides gets", "billing gets"), rows)
