"""Larkhaven on a board: the cards that riders, mechanics and accountants put up.

Each event on the wall is one that a model has; `as_built` says in which context.
"""

from __future__ import annotations

from importlib import import_module

from movingparts.city.larkhaven import CONTEXTS
from movingparts.strategy.event_storming import Board, Card, Rule

_MAY = {"available": "a rider who may ride"}
_PERSON = {"rider": "a person with a name and an address"}
_PROMISED = {"available": "a bike that can be promised for ten minutes"}
_PAYS = {"rider": "an account that pays"}
_PAID = {"available": "a payment that was authorized", **_PAYS}
_LOCKED = {"available": "a bike that is locked in a working dock"}
_FREE = {"available": "a bike that is not on a ride"}
_FIT = {"available": "a bike that is not flagged for repair"}

WALL = Board(
    cards=(
        Card("SignUp", "Let me ride.", "command"),
        Card(
            "RiderSignedUp",
            "A rider has an account.",
            after=("SignUp",),
            words={**_MAY, **_PERSON},
        ),
        Card("BuyPass", "Sell me a pass.", "command", ("RiderSignedUp",)),
        Card(
            "PassBought", "A rider has a pass.", after=("BuyPass",), words={**_PERSON}
        ),
        Card(
            "RiderSuspended",
            "A rider may not ride for now.",
            after=("RiderSignedUp",),
            words={**_MAY},
        ),
        Card("Reserve", "Keep me a bike at this station.", "command"),
        Card(
            "BikeReserved",
            "A bike is promised to a rider for ten minutes.",
            after=("Reserve",),
            words=_PROMISED,
        ),
        Card(
            "ReservationExpired",
            "No one came for the bike.",
            after=("BikeReserved",),
            words=_PROMISED,
        ),
        Card("Ride", "I am at the dock.", "command", ("BikeReserved",)),
        Card(
            "PaymentAuthorized",
            "Twenty euros are held for the ride.",
            after=("Ride",),
            words=_PAID,
        ),
        Card(
            "PaymentDeclined",
            "No money is held, so there is no ride.",
            after=("Ride",),
            words=_PAID,
        ),
        Card(
            "ReservationCollected",
            "The rider has come for her bike.",
            after=("PaymentAuthorized",),
            words=_PROMISED,
        ),
        Card(
            "BikeUnlocked",
            "A dock has released a bike.",
            after=("ReservationCollected",),
            words=_LOCKED,
        ),
        Card(
            "WhoseBike",
            "The bike is out, and the answer is lost: is anyone riding?",
            "hot spot",
            ("BikeUnlocked",),
        ),
        Card(
            "RideStarted",
            "A rider is on the way.",
            after=("BikeUnlocked",),
            words=_FREE,
        ),
        Card(
            "BikeDocked",
            "A bike is locked in a dock.",
            after=("RideStarted",),
            words=_LOCKED,
        ),
        Card(
            "LateReport",
            "A dock was offline, and reports an hour later.",
            "hot spot",
            ("BikeDocked",),
        ),
        Card(
            "EndTheRide",
            "Whenever a bike is docked, the ride that it was on ends.",
            "policy",
            ("BikeDocked",),
        ),
        Card("RideEnded", "The ride is over.", after=("EndTheRide",), words=_FREE),
        Card(
            "ChargeTheRide",
            "Whenever a ride has ended, it is charged.",
            "policy",
            ("RideEnded",),
        ),
        Card(
            "FareCharged", "A ride was charged.", after=("ChargeTheRide",), words=_PAYS
        ),
        Card("ReportFault", "The brakes are gone.", "command", ("RideEnded",)),
        Card(
            "BikeReportedFaulty",
            "A bike is flagged for repair.",
            after=("ReportFault",),
            words=_FIT,
        ),
        Card(
            "BikeRepaired",
            "The bike is fit again.",
            after=("BikeReportedFaulty",),
            words=_FIT,
        ),
        Card(
            "FindBikes",
            "Whenever a station runs short, bikes are wanted there.",
            "policy",
            ("ReservationCollected",),
        ),
        Card(
            "RebalancingWanted",
            "Six bikes are wanted at Lark Hill.",
            after=("FindBikes",),
            words=_PROMISED,
        ),
        Card(
            "BikesMoved",
            "A truck has brought six bikes.",
            after=("RebalancingWanted",),
        ),
    ),
    rules=(
        Rule("a dock holds at most one bike", ("BikeDocked", "BikeUnlocked")),
        Rule(
            "each bike and each rider has at most one promise",
            ("BikeReserved", "ReservationExpired", "ReservationCollected"),
        ),
        Rule(
            "a ride is charged once, and then no more money is held for it",
            ("PaymentAuthorized", "PaymentDeclined", "FareCharged"),
        ),
        Rule(
            "a bike is on at most one ride, and a ride ends once",
            ("RideStarted", "RideEnded"),
        ),
        Rule(
            "a suspended rider can't buy a pass",
            ("RiderSignedUp", "RiderSuspended", "PassBought"),
        ),
        Rule(
            "a flag stays until the bike is repaired",
            ("BikeReportedFaulty", "BikeRepaired"),
        ),
        Rule(
            "no ride begins without an authorized payment",
            ("PaymentAuthorized", "RideStarted"),
            at_once=False,
        ),
        Rule(
            "a ride ends when its bike is docked",
            ("BikeDocked", "RideEnded"),
            at_once=False,
        ),
        Rule(
            "a ride that has ended is charged",
            ("RideEnded", "FareCharged"),
            at_once=False,
        ),
        Rule(
            "a flagged bike isn't promised to anyone",
            ("BikeReportedFaulty", "BikeReserved"),
            at_once=False,
        ),
        Rule(
            "a suspended rider gets no promise",
            ("RiderSuspended", "BikeReserved"),
            at_once=False,
        ),
        Rule(
            "a station that runs short gets bikes",
            ("RebalancingWanted", "BikesMoved"),
            at_once=False,
        ),
    ),
)
"""The wall after the storming, in order of time."""


def as_built() -> dict[str, str]:
    """Return the assignment that the code has: each event's context.

    >>> WALL.evaluate(as_built())
    <Findings: 0 torn, 0 clashes, 6 processes>
    """
    homes = {
        name: context
        for context in CONTEXTS
        for name in vars(import_module(f"movingparts.city.{context}.model"))
    }
    return {card.name: homes[card.name] for card in WALL.events}
