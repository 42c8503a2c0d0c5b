"""An audit: each rule that is broken is named, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from movingparts.bus import Event
from movingparts.city.audit import Audit, auditor
from movingparts.published_language import ensure_stream
from movingparts.world import simulate
from movingparts.world.simulated import SimulatedWorld

Published = tuple[str, dict[str, Any]]


def at(minutes: float) -> str:
    hours, rest = divmod(minutes, 60)
    return (
        f"2031-05-05T{8 + int(hours):02d}:{int(rest):02d}:{rest % 1 * 60:09.6f}+00:00"
    )


def docked(bike: str = "B1", station: str = "S1", dock: str | None = "01") -> Published:
    place = {"station_id": station, "dock_id": dock and f"{station}-{dock}"}
    return "stations.bike-docked", {"bike_id": bike, **place}


def left(bike: str = "B1", station: str = "S1") -> Published:
    return "stations.bike-left", {"bike_id": bike, "station_id": station}


def reserved(
    what: str = "v1",
    rider: str = "ada",
    bike: str = "B1",
    *,
    begun: float = 0,
    **more: Any,
) -> Published:
    about = {"reservation_id": what, "rider_id": rider, "bike_id": bike}
    until = more.get("until", begun + 10)
    return "availability.bike-reserved", {**about, "at": at(begun), "until": at(until)}


def closed(why: str, when: float, what: str = "v1") -> Published:
    about = {"reservation_id": what, "rider_id": "ada", "bike_id": "B1"}
    return "availability.reservation-closed", {**about, "why": why, "at": at(when)}


def paid(ride: str = "r1") -> Published:
    return "billing.payment-authorized", {"ride_id": ride}


def started(ride: str = "r1", bike: str = "B1", authorization: str = "a1") -> Published:
    about = {"ride_id": ride, "bike_id": bike, "authorization_id": authorization}
    return "rides.ride-started", about


def ended(minutes: float = 12, ride: str = "r1", odd: str = "") -> Published:
    span = {"started_at": at(0), "ended_at": at(minutes), "anomaly": odd}
    return "rides.ride-ended", {
        "ride_id": ride,
        "rider_id": "ada",
        "bike_id": "B1",
        **span,
    }


def charged(fare: Any = "2.80", ride: str = "r1") -> Published:
    about = {"ride_id": ride, "fare": {"amount": fare, "currency": "EUR"}}
    return "billing.fare-charged", about


def bought(begun: float = -60, until: float = 60) -> Published:
    hours = {"valid_from": at(begun), "valid_until": at(until)}
    return "riders.pass-bought", {"rider_id": "ada", **hours}


RIDE = (paid(), started(), ended())


def broken(
    *published: Published, capacities: dict[str, int] | None = None
) -> list[str]:
    audit = Audit(capacities)
    for name, data in published:
        audit.handle(name, data)
    return audit.close()


@pytest.mark.parametrize(
    ("published", "text"),
    [
        ((docked(), docked(station="S2")), "bike B1 is docked at S2 and was at S1"),
        ((docked(), docked(dock="02")), "bike B1 is docked at S1 and was at S1"),
        ((docked(), docked("B2")), "dock S1-01 holds B1 and B2"),
        (
            (docked(), paid(), started(), docked()),
            "bike B1 is docked and on ride r1",
        ),
        (
            (docked(), docked("B2", dock="02"), docked("B3", dock="03")),
            "station S1 holds 3 bikes",
        ),
        ((reserved(until=9.99),), "reservation v1 is until 2031-05-05 08:09:59.4"),
        (
            (reserved(), reserved("v2", "ada", "B2", begun=5)),
            "rider ada has v1 and a second reservation",
        ),
        (
            (reserved(), reserved("v2", "ben", "B1", begun=5)),
            "bike B1 has v1 and a second reservation",
        ),
        (
            (reserved(), reserved("v2", "ada", "B2", begun=5), closed("collected", 6)),
            "rider ada has v1 and a second reservation",
        ),
        ((closed("expired", 10),), "reservation v1 closed, never made"),
        ((reserved(), closed("expired", 9)), "reservation v1 is expired at "),
        ((reserved(), closed("collected", 10)), "reservation v1 is collected at "),
        ((reserved(), closed("broken", 10)), "reservation v1 is broken at "),
        ((started(),), "ride r1 began without an authorized payment"),
        (
            (paid(), paid("r2"), started(), started("r2")),
            "bike B1 is on rides r1 and r2",
        ),
        ((*RIDE, charged(), ended()), "ride r1 ended twice, or had not begun"),
        (
            (ended(ride="r9"), charged(ride="r9")),
            "ride r9 ended twice, or had not begun",
        ),
        ((charged(),), "ride r1 was charged, and has not ended"),
        (RIDE, "ride r1 ended, and was charged 0 x"),
        ((*RIDE, charged(), charged()), "ride r1 ended, and was charged 2 x"),
        ((*RIDE, charged("2.79")), "ride r1 was charged 2.79, and costs 2.8"),
        ((*RIDE, charged(2)), "the fare of ride r1 is no decimal"),
    ],
)
def test_a_rule_that_is_broken_is_named(
    published: tuple[Published, ...], text: str
) -> None:
    found = broken(*published, capacities={"S1": 2})
    assert any(each.startswith(text) for each in found), found


@pytest.mark.parametrize(
    "published",
    [
        (docked(), docked(), left(), docked(station="S2")),  # reported twice is no move
        (docked(dock=None), docked("B2", dock=None), docked("B3", dock=None)),
        (left(), left()),
        (docked(), left(), paid(), started(), docked(), ended(), charged()),
        (reserved(), closed("collected", 9.99), reserved("v2", begun=9.999)),
        (reserved(), reserved("v2", "ada", "B2", begun=10)),  # the first has lapsed
        (reserved(), closed("expired", 10), reserved("v2", begun=10)),
        (reserved(), closed("broken", 5), reserved("v2", begun=5)),
        (started(authorization="history"), ended(), charged()),
        (*RIDE, charged()),
        (bought(), *RIDE, charged("0.00")),
        (bought(until=0), *RIDE, charged()),  # over as the ride begins
        (
            paid(),
            started(),
            ended(0, odd="it ended at once where it began"),
            charged("0"),
        ),
        (paid(), started(), ended(0), charged("1.00")),
        (paid(), started(), ended(12.0001), charged("2.95")),
        (bought(), paid(), started(), ended(31), charged("0.15")),
        (paid(), started(), ended(200), charged("18.00")),
    ],
)
def test_what_breaks_no_rule_is_let_pass(published: tuple[Published, ...]) -> None:
    assert [] == broken(*published, capacities={"S1": 2})


def test_two_reservations_of_one_name_do_not_confuse_it() -> None:
    """Ids are made by apps."""
    published = (
        reserved("v1", "ada", "B1"),
        reserved("v1", "ben", "B2", begun=1),
        closed("collected", 2),
        reserved("v2", "ben", "B3", begun=20),
        reserved("v1", "ada", "B1", begun=20),
    )
    assert [] == broken(*published)


def test_it_counts_events_and_anomalies() -> None:
    audit = Audit()
    for context in ("stations", "rides", "stations"):
        audit.handle(f"{context}.anomaly-found", {"reason": f"odd to {context}"})
    assert {"odd to stations": 2, "odd to rides": 1} == dict(audit.anomalies)
    assert "<Audit: 3 events, 0 broken>" == repr(audit)


def test_as_a_service_it_counts_each_event_once() -> None:
    """A publisher may send an event again, and the broker may deliver it again."""
    audit = Audit()

    async def scenario(world: SimulatedWorld) -> None:
        node = world.node("stations-told")
        for context in ("stations", "rides"):
            await ensure_stream(node, context)
        await world.serve("audit", auditor(audit, ["stations", "rides"]))
        name, data = docked()
        event = Event("1", "/stations", f"city.larkhaven.{name}", data)
        other = Event("1", "/rides", "city.larkhaven.rides.ride-started", started()[1])
        for each, subject in (
            (event, name),
            (event, name),
            (other, "rides.ride-started"),
        ):
            await node.bus.publish(subject, each)
        await world.clock.sleep(1)

    simulate(scenario, seed=7)
    assert {"stations.bike-docked": 1, "rides.ride-started": 1} == dict(audit.counts)
