"""Whatever crashes while a ride starts, it is ridden and charged once or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import httpx
import pytest

from movingparts.city.larkhaven import CONTEXTS
from movingparts.core import Node
from movingparts.core.random import Uniform
from movingparts.repository import SqliteRows
from movingparts.scenes.crashes import DOWN, Crash, Crashes
from movingparts.unit_of_work import RowStore
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld
from tests.city.town import STATIONS, Town
from tests.city.town import live as in_town

MORTAL = ("rides", "billing", "availability", "stations")
PATIENCE = 30  # seconds that Ada looks whether her dock lets go
RIDES_FOR = 0.5  # seconds: so short that rides may be down when the bike is back
QUIET = 660.0  # seconds until all was tried again, and promises have lapsed
GOOD = {"loss": 0.0, "duplicate": 0.0, "latency": 0.005}
BAD = {"loss": 0.1, "duplicate": 0.1, "latency": Uniform(0.005, 1.2)}


@dataclass
class Seen:
    """What there is to see when all is quiet, of Ada's ride r1 on bike B1."""

    rode: bool  # the dock let go of it, and she brought it to S2
    state: str  # of the ride, and of its payment; "" without one
    payment: str
    charged: int
    stuck: list[str]
    hubs: dict[str, list[str]]  # where bikes stand, and where they are offered
    offered: dict[str, list[str]]
    commits: Counter[str]  # of each service, since Ada asked

    def broken(self) -> list[str]:
        """Return which promises were broken; a ride that is stuck may still be one."""
        ends = {"ended": ("charged", True), "cancelled": ("voided", False)}
        wrong = []
        if not self.stuck:
            if ends.get(self.state) != (self.payment, self.rode):
                rode = "ridden" if self.rode else "not ridden"
                wrong.append(f"ride {self.state}, {rode}, payment {self.payment}")
            if self.charged != self.rode:
                wrong.append(f"charged {self.charged} x")
        if self.charged > 1:
            wrong.append(f"charged {self.charged} x")
        if self.offered != self.hubs:
            wrong.append(f"bikes stand {self.hubs}, and are offered {self.offered}")
        return wrong


class Ada:
    """A rider who starts a ride, and takes the bike as soon as its dock lets go."""

    def __init__(self, world: SimulatedWorld, trouble: str) -> None:
        self.world, self.crashes, self.trouble = world, Crashes(world), trouble
        self.town = Town(world)
        self.rode = False
        self.before: Counter[str] = Counter()

    async def open(self) -> None:
        """Open a town whose services can crash, in which something may be wrong."""
        await self.town.open({name: self._mortal(name) for name in CONTEXTS})
        if self.trouble == "poor":
            await self.town.good("PUT", "billing", "accounts/ada/limit", amount="5.00")
        if self.trouble == "jammed":  # as only the vendor knows
            await self.town.good("PUT", "docklink", "hubs/S1/line", up=False)
            await self.town.good(
                "PUT", "docklink", "hubs/S1/alarm", slot=1, jammed=True
            )
        await self.town.reserve()
        self.before = Counter(self.crashes.commits)

    def plan(self, crashes: Sequence[Crash]) -> None:
        """Have services crash around some of their commits from now on."""
        self.crashes.planned = [
            replace(each, commit=self.before[each.process] + each.commit)
            for each in crashes
        ]

    def network(self, **conditions: Any) -> None:
        """Make the links between services as bad as said."""
        for one, other in permutations((*MORTAL, "docklink"), 2):
            self.world.network.link(one, other, **conditions)

    def _mortal(self, name: str) -> Any:
        def factory(node: Node) -> Any:
            rows: Any = self.crashes.connect(node)  # it stands for a connection
            return CONTEXTS[name](node, store=RowStore(SqliteRows(rows)))  # type: ignore[call-arg]  # each takes a store

        return factory if name in MORTAL else CONTEXTS[name]

    async def ride(self) -> None:
        """Ask for a bike, ride it if its dock lets go, and wait until all is quiet."""
        asking = self.world.node("app").tasks.create_task(self._start())
        await self._ride()
        await asking
        await self.town.pause(QUIET)

    async def _start(self) -> None:
        """Ask until there is an answer."""
        for _ in range(10):
            try:
                await self.town.start()
            except httpx.TransportError:
                await self.town.pause(DOWN / 2)
            else:
                return

    async def _ride(self) -> None:
        """Take the bike when the dock has let go, and bring it back at once."""
        for _ in range(PATIENCE):
            await self.town.pause(1.0)
            if "B1" not in (await self.hubs())["S1"]:
                self.rode = True
                await self.town.pause(RIDES_FOR)
                await self.town.dock("B1")
                return

    async def hubs(self) -> dict[str, list[str]]:
        """Return where bikes stand."""
        slots = {s: await self.town.get("docklink", f"hubs/{s}") for s in STATIONS}
        return {s: sorted(filter(None, held.values())) for s, held in slots.items()}

    async def look(self) -> Seen:
        """Return what there is to see."""
        shown = {}
        for service, path in {
            "rides": "rides/r1",
            "billing": "authorizations/r1",
        }.items():
            reply = await self.town.ask("GET", service, path)
            shown[service] = reply.json()["state"] if reply.is_success else ""
        stands = {
            s: await self.town.get("availability", f"stations/{s}") for s in STATIONS
        }
        stuck = await self.town.ask("GET", "rides", "stuck-rides")
        return Seen(
            rode=self.rode,
            state=shown["rides"],
            payment=shown["billing"],
            charged=len(self.town.data("billing.fare-charged")),
            stuck=[each["ride_id"] for each in stuck.json()]
            if stuck.is_success
            else [],
            hubs=await self.hubs(),
            offered={s: sorted(stand["bikes"]) for s, stand in stands.items()},
            commits=self.crashes.commits - self.before,
        )


def live(trouble: str = "", *crashes: Crash) -> Seen:
    """Let Ada ride once, with these crashes."""

    async def scenario(world: SimulatedWorld) -> Seen:
        ada = Ada(world, trouble)
        await ada.open()
        ada.plan(crashes)
        await ada.ride()
        return await ada.look()

    found: Seen = simulate(scenario, seed=1).result
    return found


def points(seen: Seen) -> Iterator[Crash]:
    """Yield crashes that a run could have had: each loses what nobody heard yet."""
    for process, count in sorted(seen.commits.items()):
        for commit in range(1, 1 + count):
            yield Crash(process, commit, "after")
            if process != "rides":
                yield Crash(process, commit, "after", other="rides")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "end"),
    [("", "ended"), ("poor", "cancelled"), ("jammed", "cancelled")],
)
def test_one_crash_anywhere_changes_nothing_in_the_end(trouble: str, end: str) -> None:
    """Of a ride, of one that billing declines, and of one that the dock refuses."""
    found = {str(crash): live(trouble, crash) for crash in points(live(trouble))}
    assert len(found) > 15  # 38, 17 and 27
    assert {} == {how: seen.broken() for how, seen in found.items() if seen.broken()}
    assert {(end, False)} == {(s.state, bool(s.stuck)) for s in found.values()}


@pytest.mark.slow
def test_a_crash_and_a_bad_network_leave_what_somebody_can_finish() -> None:
    """It is stuck if its dock may have let go; tried again, it ends or is undone."""
    possible = [*points(live())]

    def lived(seed: int) -> tuple[Seen, Seen]:
        async def scenario(world: SimulatedWorld) -> tuple[Seen, Seen]:
            ada = Ada(world, "")
            await ada.open()
            ada.plan([possible[37 * seed % len(possible)]])
            ada.network(**BAD)
            await ada.ride()
            before = await ada.look()
            ada.plan([])
            ada.network(**GOOD)
            for ride in before.stuck:
                await ada.town.ask("POST", "rides", f"stuck-rides/{ride}/retry")
            await ada.town.pause(QUIET)
            return before, await ada.look()

        found: tuple[Seen, Seen] = simulate(scenario, seed=seed).result
        return found

    runs = {seed: lived(seed) for seed in range(1, 21)}
    assert {} == {n: both[0].broken() for n, both in runs.items() if both[0].broken()}
    assert {} == {n: both[1].broken() for n, both in runs.items() if both[1].broken()}
    assert [] == [n for n, (_, after) in runs.items() if after.stuck]
    assert [n for n, (before, _) in runs.items() if before.stuck]


def test_a_stuck_ride_is_listed_and_its_dock_stays_shut_once_its_rider_has_left() -> (
    None
):
    """Nobody else gets its bike; tried again, it is cancelled, and the bike is free."""

    async def scenario(town: Town) -> Any:
        await town.reserve()
        town.world.network.partition("rides", "stations")
        asked = await town.start()
        listed = await town.get("rides", "stuck-rides")
        logged = [each for each in town.world.node("rides").logs if "is stuck" in each]
        other = await town.start("r2", rider_id="ben", reservation="v2")
        await town.pause(60)
        town.world.network.heal()
        retry = "stuck-rides/r1/retry"
        tried = [await town.ask("POST", "rides", retry) for _ in range(2)]
        await town.pause(1)
        bikes = (await town.get("availability", "stations/S1"))["bikes"]
        payment = (await town.get("billing", "authorizations/r1"))["state"]
        details = [reply.json()["detail"] for reply in (asked, other, *tried)]
        codes = [reply.status_code for reply in (asked, other, *tried)]
        return codes, details, listed, logged, (sorted(bikes), payment)

    codes, details, listed, logged, end = in_town(scenario)
    why = "unlock: waited 0.5 s to connect to stations"
    assert [503, 409, 409, 404] == codes
    assert [
        f"ride r1 is stuck, until somebody looks: {why}",
        "bike B1 is on ride r1",
        'stations: the dock of bike B1 did not open: {"detail":"too late"}',
        "no ride 'r1' is stuck",
    ] == details
    assert [{"ride_id": "r1", "reason": why}] == listed
    assert [f"ride r1 is stuck: {why}"] == logged
    assert (["B1", "B2"], "voided") == end
