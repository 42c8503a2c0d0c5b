"""A storming made by hand, with every kind of card, rule, word and finding in it."""

from movingparts.draw import BoardFigure, board
from movingparts.strategy.event_storming import Board, Card, Rule

CONTEXTS = ("rides", "stations", "availability", "fleet", "riders", "billing")
GOOD = {
    "BikeReserved": "availability",
    "ReservationExpired": "availability",
    "PaymentAuthorized": "billing",
    "PaymentDeclined": "billing",
    "BikeUnlocked": "stations",
    "RideStarted": "rides",
    "BikeDocked": "stations",
    "DockJammed": "stations",
    "RideEnded": "rides",
    "FareCharged": "billing",
    "BikeReportedFaulty": "fleet",
    "BikeMoved": "stations",
}
# One rule torn, one word mixed up, two processes, and much that is not sorted yet.
HALF = {
    "RideStarted": "rides",
    "RideEnded": "stations",
    "BikeDocked": "stations",
    "FareCharged": "billing",
}

CARDS = (
    Card("ReserveBike", "Ada asks for a bike at Harbor Square.", "command"),
    Card(
        "BikeReserved", "Bike 212 is held for Ada for ten minutes.",
        after=("ReserveBike",),
        words={"available": "it can be promised to a rider"},
    ),
    Card(
        "HoldAFare", "Whenever a bike is reserved, hold the highest fare.", "policy",
        after=("BikeReserved",),
    ),
    Card("PaymentAuthorized", "The bank holds 20 € for Ada.", after=("HoldAFare",)),
    Card("PaymentDeclined", "The bank refuses the hold.", after=("HoldAFare",)),
    Card(
        "ReservationExpired", "Ten minutes pass, and nobody came.",
        after=("BikeReserved",),
    ),
    Card(
        "UnlockBike", "Ada scans the bike's code.", "command",
        after=("PaymentAuthorized",),
    ),
    Card(
        "BikeUnlocked", "The dock lets the bike go.", after=("UnlockBike",),
        words={"available": "locked in a dock that works"},
    ),
    Card(
        "RideStarted", "Ada rides off.", after=("BikeUnlocked",),
        words={"ride": "a rider and a bike between two docks"},
    ),
    Card(
        "BikeDocked", "A dock at the station locks on a bike.", after=("RideStarted",),
        words={"available": "locked in a dock that works"},
    ),
    Card(
        "DockJammed", "The lock does not close on the bike.", after=("RideStarted",),
    ),
    Card(
        "WhoIsRiding", "A lock jams: does the ride go on, and who pays?", "hot spot",
        after=("DockJammed",),
    ),
    Card(
        "RideEnded", "The ride is over after 23 minutes.", after=("BikeDocked",),
        words={
            "available": "nobody is riding it",
            "ride": "a rider and a bike between two docks",
        },
    ),
    Card(
        "ChargeTheRide", "Whenever a ride ends, charge its fare.", "policy",
        after=("RideEnded",),
    ),
    Card(
        "FareCharged", "Ada pays 3.40 €.", after=("ChargeTheRide",),
        words={"ride": "minutes under a tariff"},
    ),
    Card("ReportFault", "Ada says that the brake drags.", "command"),
    Card(
        "BikeReportedFaulty", "Bike 212 waits for the workshop.",
        after=("ReportFault",), words={"available": "no repair is due"},
    ),
    Card(
        "BikeMoved", "A truck takes the bike to another station.",
        after=("BikeDocked", "BikeReportedFaulty"),
    ),
)  # fmt: skip
RULES = (
    Rule("a bike has one reservation at most", ("BikeReserved", "ReservationExpired")),
    Rule("a dock holds one bike at most", ("BikeUnlocked", "BikeDocked", "BikeMoved")),
    Rule("a ride that has started ends once", ("RideStarted", "RideEnded")),
    Rule(
        "a hold on a payment is charged or given back, never both",
        ("PaymentAuthorized", "FareCharged"),
    ),
    Rule(
        "nobody rides without an authorized payment",
        ("PaymentAuthorized", "RideStarted"), at_once=False,
    ),
    Rule("a bike that is docked is off its ride", ("BikeDocked", "RideEnded"), False),
    Rule("a ride is charged exactly once", ("RideEnded", "FareCharged"), False),
    Rule(
        "a faulty bike is not promised to anybody",
        ("BikeReportedFaulty", "BikeReserved"), at_once=False,
    ),
)  # fmt: skip
BOARD = Board(CARDS, RULES)


def figure(start: dict[str, str] | None = None) -> BoardFigure:
    """The board with the six contexts of the city."""
    title = "Twelve events, and six places to keep them"
    return board(BOARD, contexts=CONTEXTS, title=title, start=start)
