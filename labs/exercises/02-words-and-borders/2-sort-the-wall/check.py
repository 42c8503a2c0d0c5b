"""Checks exercise 2.2: what a sorting of Larkhaven's wall tears and mixes up."""

from movingparts.check import Check, Law, always
from movingparts.scenes.ch02.board_runs import Harm, Sorted, StateMachine, recorded
from movingparts.scenes.ch02.event_storming_board import WALL

RULES = (
    StateMachine(
        "free BikeDocked held, held BikeUnlocked free",
        Harm(
            "BikeDocked BikeUnlocked BikeDocked",
            "{first} has unlocked the bike, but {second} never finds out. It believes"
            " that the dock is taken, and lets no other bike in.",
        ),
    ),
    StateMachine(
        "free BikeReserved promised, promised ReservationExpired free,"
        " promised ReservationCollected gone",
        Harm(
            "BikeReserved ReservationCollected ReservationExpired",
            "A rider collects her bike from {first}, but {second} never finds out and"
            " lets her reservation expire: it can promise a bike that is on the road.",
        ),
        Harm(
            "BikeReserved ReservationCollected",
            "{first} has promised the bike, but {second} never finds out, and turns"
            " the rider away when she comes for it.",
        ),
    ),
    StateMachine(
        "nothing PaymentAuthorized held, nothing PaymentDeclined declined,"
        " held FareCharged charged",
        Harm(
            "PaymentAuthorized FareCharged",
            "{first} holds the money for a ride, but {second} never finds out and"
            " doesn't charge it: the ride was free.",
        ),
        Harm(
            "PaymentDeclined PaymentAuthorized",
            "The app asks twice. {first} declines, but {second} never finds out and"
            " authorizes: the ride has both answers.",
        ),
    ),
    StateMachine(
        "free RideStarted riding, riding RideEnded free",
        Harm(
            "RideStarted RideEnded",
            "{first} has started the ride, but {second} never finds out. When the bike"
            " is docked, {second} knows of no ride that could end: it never ends.",
        ),
    ),
    StateMachine(
        "none RiderSignedUp good, good RiderSuspended suspended, good PassBought good",
        Harm(
            "RiderSignedUp RiderSuspended PassBought",
            "{first} has suspended the rider, but {second} never finds out and sells"
            " her a pass.",
        ),
        Harm(
            "RiderSignedUp RiderSuspended",
            "The rider has signed up with {first}, but {second} has never heard of her"
            " and can't suspend her.",
        ),
    ),
    StateMachine(
        "fit BikeReportedFaulty flagged, flagged BikeRepaired fit",
        Harm(
            "BikeReportedFaulty BikeRepaired",
            "{first} has flagged the bike, but {second} never finds out. When the bike"
            " is repaired, {second} has no flag to take away: it stays forever.",
        ),
    ),
)
UNDONE = (
    *("RiderSuspended", "BikeReserved", "ReservationCollected", "PaymentDeclined"),
    *("BikeUnlocked", "RideStarted", "BikeReportedFaulty", "RebalancingWanted"),
)
BIKE = ("BikeReserved", "BikeUnlocked", "BikeDocked")
BIKE += ("BikeReportedFaulty", "BikeRepaired")
BY_RIDER = ("BikeReserved", "RideStarted", "BikeReportedFaulty")
BY_WORD = (  # laws that a word shows better than a rule
    *("one-context-for-everything", "every-rule-at-once"),
    *("everything-about-the-bike", "two-meanings"),
)


def seen(board, value):
    undone = [("available", event) for event in UNDONE]
    return Sorted(board, value, RULES, undone, about=BIKE[:3])


def by_actor(found):
    """Return whether what riders do is apart from what mechanics do."""
    apart = not found.together("BikeReportedFaulty", "BikeRepaired")
    return apart and found.together(*BY_RIDER) and len(found.contexts) > 2


def holds(found):
    return found.holds


CHECK = Check(
    cases=lambda: [(WALL,)],
    seen=seen,
    returns=dict[str, str | None],
    wants="a dict from the name of each event to the name of a context",
    picture=lambda s: recorded(s, by_word=CHECK.broken(s).name in BY_WORD),
    laws=(
        Law("unknown-event", always, lambda s: not s.strange),
        Law("unsorted", always, lambda s: not s.unsorted),
        Law("one-context-for-everything", lambda s: len(s.contexts) == 1, holds),
        Law("one-context-per-event", lambda s: len(s.contexts) == len(s.of), holds),
        Law("every-rule-at-once", Sorted.crosses_no_rule, holds),
        Law("by-the-clock", Sorted.is_by_time, holds),
        Law("everything-about-the-bike", lambda s: s.together(*BIKE), holds),
        Law("by-actor", by_actor, holds),
        Law("torn-rule", always, lambda s: not s.torn_rules),
        Law("two-meanings", always, holds),
    ),
    praise=lambda all_: {"contexts": len(all_[0].contexts), "price": all_[0].price},
)
