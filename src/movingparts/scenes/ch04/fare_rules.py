"""Four weeks of rides that end at two gateways, and what riders are promised there.

Source: chapter 04. Leaves out: how billing charges (chapters 05 and 06); it says what
it charges when it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fastapi import FastAPI

from movingparts.city.billing.model import STANDARD, Money, Tariff
from movingparts.core import Node, Recording
from movingparts.core.clock import Clock
from movingparts.core.node import Factory
from movingparts.core.random import LogNormal, Random
from movingparts.scenes.ch04.promises import Month, Promise
from movingparts.service import service
from movingparts.world.simulated import SimulatedWorld, simulate

DAY, WEEKS, A_DAY = 86_400.0, 4, 24  # seconds, weeks, rides a day
DEARER = replace(STANDARD, per_minute=Money(Decimal("0.18")))
# Billing's price rises in week 2; a copy has the new price some weeks later.
RISES, FOLLOWS = 2, {"app-gateway": 3, "kiosk-gateway": 4}
LENGTH = LogNormal(median=15, p99=120)  # microseconds there, minutes here

# What a gateway with a copy is given: minutes, pass, cents a minute. Returns cents.
Rule = Callable[[int, bool, int], int]


def week_of(clock: Clock) -> int:
    """Return the week, from 1 on."""
    return int(clock.monotonic() // (7 * DAY)) + 1


def tariff_in(week: int) -> Tariff:
    """Return billing's tariff of that week."""
    return DEARER if week >= RISES else STANDARD


def copying(rule: Rule) -> Factory:
    """Return a gateway that works out by its own rule what a ride costs."""

    def make(node: Node) -> FastAPI:
        app = service(node, title="gateway")

        async def asked(url: str) -> Any:
            return (await node.client.get(url)).json()

        @app.get("/ended/{ride}")
        async def ended(ride: int) -> dict[str, Any]:
            found = await asked(f"http://rides/rides/{ride}")
            rider = await asked(f"http://riders/riders/{found['rider']}")
            price = 18 if week_of(node.clock) >= FOLLOWS[node.name] else 15
            cents = rule(found["minutes"], rider["pass"], price)
            return {"ride": found, "fare": {"cents": cents}}

        return app

    return make


def month(gateway: Factory, *, seed: int = 1) -> Recording:
    """Run four weeks, with one gateway for the app and one for the kiosk."""

    async def scenario(world: SimulatedWorld) -> Month:
        rides = [_ride(world.random) for _ in range(7 * WEEKS * A_DAY)]
        for name, make in _services(rides).items():
            await world.serve(name, make)
        for name in FOLLOWS:
            await world.serve(name, gateway)
        found, client = Month(), world.node("rider").client
        for number, ride in enumerate(rides):
            await world.clock.sleep(number * DAY / A_DAY - world.clock.monotonic())
            name = world.random.choice(list(FOLLOWS))
            shown = (await client.get(f"http://{name}/ended/{number}")).json()
            bill = (await client.get(f"http://billing/rides/{number}/fare")).json()
            cents = shown["fare"]["cents"], bill["cents"]
            day = number // A_DAY
            found.promises.append(
                Promise(name, day, ride["minutes"], ride["pass"], *cents)
            )
        return found

    return simulate(scenario, seed=seed)


def _ride(random: Random) -> dict[str, Any]:
    minutes = 1 + round(LENGTH.draw(random) / 1_000_000)
    return {"minutes": minutes, "pass": random.random() < 0.4}  # two in five have one


def _services(rides: list[dict[str, Any]]) -> Mapping[str, Factory]:
    """Return the three that know about rides, passes and fares."""

    def answering(path: str, answer: Callable[[Node, int], Any]) -> Factory:
        def make(node: Node) -> FastAPI:
            app = service(node, title=node.name)

            @app.get(path)
            async def get(number: int) -> Any:
                return answer(node, number)

            return app

        return make

    def fare(node: Node, number: int) -> dict[str, int]:
        ride, tariff = rides[number], tariff_in(week_of(node.clock))
        took = timedelta(minutes=ride["minutes"])
        amount = tariff.fare(took, with_pass=ride["pass"]).amount
        return {"cents": int(amount * 100)}

    return {
        "rides": answering(
            "/rides/{number}", lambda _, n: {"rider": n, "minutes": rides[n]["minutes"]}
        ),
        "riders": answering(
            "/riders/{number}", lambda _, n: {"pass": rides[n]["pass"]}
        ),
        "billing": answering("/rides/{number}/fare", fare),
    }
