"""Exercise 2.2: sort the wall."""

from __future__ import annotations

from movingparts.check.answer import Answer, Call
from movingparts.check.ch02.sorting import (
    COMMON,
    ONE_WORD,
    Book,
    Harm,
    Pattern,
    Wall,
    fixed,
    judge,
    together,
)
from movingparts.check.exercise import Exercise, Judgement
from movingparts.city.stormed import WALL

_DOCK = Book(
    "free",
    {("free", "BikeDocked"): "held", ("held", "BikeUnlocked"): "free"},
    (
        Harm(
            "BikeUnlocked",
            "BikeDocked",
            "{first} has let go of the bike, and the word of it was lost. Another bike"
            " is locked into the dock, and the books of {second} have two bikes in it.",
            before=("BikeDocked",),
        ),
    ),
    reports=("BikeDocked",),
)
_PROMISE = Book(
    "free",
    {
        ("free", "BikeReserved"): "promised",
        ("promised", "ReservationExpired"): "free",
        ("promised", "ReservationCollected"): "gone",
    },
    (
        Harm(
            "ReservationCollected",
            "ReservationExpired",
            "The rider has come to {first} for her bike, and {second}, which never"
            " heard of it, lets her promise lapse: it has a bike to give that is on the"
            " road.",
            before=("BikeReserved",),
        ),
        Harm(
            "BikeReserved",
            "ReservationCollected",
            "{first} has promised the bike, and {second} sends the rider away who comes"
            " for it: it knows of no promise.",
        ),
    ),
)
_PAYMENT = Book(
    "nothing",
    {
        ("nothing", "PaymentAuthorized"): "held",
        ("nothing", "PaymentDeclined"): "declined",
        ("held", "FareCharged"): "charged",
    },
    (
        Harm(
            "PaymentAuthorized",
            "FareCharged",
            "{first} holds money for the ride, and {second}, which never heard of it,"
            " does not charge: the rider has ridden for nothing.",
        ),
        Harm(
            "PaymentDeclined",
            "PaymentAuthorized",
            "The app asks twice. {first} has declined, and {second}, which never heard"
            " of it, authorizes: the ride has both answers.",
        ),
    ),
)
_RIDE = Book(
    "free",
    {("free", "RideStarted"): "riding", ("riding", "RideEnded"): "free"},
    (
        Harm(
            "RideStarted",
            "RideEnded",
            "The ride has begun in {first}. The bike is docked, and {second} knows of"
            " no ride that could end: it goes on for ever.",
        ),
    ),
)
_RIDER = Book(
    "nobody",
    {
        ("nobody", "RiderSignedUp"): "good",
        ("good", "RiderSuspended"): "suspended",
        ("good", "PassBought"): "good",
    },
    (
        Harm(
            "RiderSuspended",
            "PassBought",
            "{first} has suspended the rider, and {second}, which never heard of it,"
            " sells her a pass.",
            before=("RiderSignedUp",),
        ),
        Harm(
            "RiderSignedUp",
            "RiderSuspended",
            "The rider has signed up with {first}. {second} has never heard of her, and"
            " cannot suspend her: she goes on riding.",
        ),
    ),
)
_FLAG = Book(
    "fit",
    {("fit", "BikeReportedFaulty"): "flagged", ("flagged", "BikeRepaired"): "fit"},
    (
        Harm(
            "BikeReportedFaulty",
            "BikeRepaired",
            "{first} has flagged the bike. It is repaired, and {second}, which knows of"
            " no flag, has none to take away: the flag stays for ever.",
        ),
    ),
)
_UNDONE = (
    "RiderSuspended",
    "BikeReserved",
    "ReservationCollected",
    "PaymentDeclined",
    "BikeUnlocked",
    "RideStarted",
    "BikeReportedFaulty",
    "RebalancingWanted",
)
BY_NOUN = Pattern(
    "everything-about-the-bike",
    together(
        "BikeReserved",
        "BikeUnlocked",
        "BikeDocked",
        "BikeReportedFaulty",
        "BikeRepaired",
    ),
    "You put together what has the same noun. A bike is a promise to one, a thing in a"
    " dock to another, a job to a third: everything about it is three models in one.",
    shown_by="clash",
)
BAD_NEWS = Pattern(
    "what-goes-wrong-apart",
    together(
        "ReservationExpired",
        "PaymentDeclined",
        "RiderSuspended",
        "BikeReportedFaulty",
    ),
    "You put together what goes wrong. A failure belongs to what fails: whoever may"
    " make a promise has to let it lapse.",
)
# By names of their own, so that the guard sees whether anybody changes them.
BOARD = fixed(WALL)
CARDS, RULES = BOARD.cards, BOARD.rules
LARKHAVEN = Wall(
    BOARD,
    (_DOCK, _PROMISE, _PAYMENT, _RIDE, _RIDER, _FLAG),
    frozenset(("available", event) for event in _UNDONE),
    (*COMMON, ONE_WORD, BY_NOUN, BAD_NEWS),
)


def _judge(answer: Answer) -> Judgement:
    return judge(answer, LARKHAVEN)


SORT_THE_WALL = Exercise(
    id="2.2",
    title="Sort the wall",
    difficulty="medium",
    lab="02-words-and-borders",
    statement=(
        "Sort the events of the wall into contexts. Write `sort(board)`: `board` is"
        " `WALL`, with `board.events` (each with a `name` and the `words` it uses) and"
        " `board.rules` (each with its `events`, and whether it holds `at_once`)."
        " Return a dict from the name of each event to the name of a context; the"
        " names are yours. No official sorting is looked up. A rule that holds at once"
        " needs one context for its events, and in one context a word has one meaning:"
        " where yours breaks either, you get a run in which it breaks. A rule that may"
        " be broken for a while costs a process, and the checker says how many you pay"
        " for."
    ),
    stub=(
        "def sort(board):\n"
        '    raise NotImplementedError("Exercise 2.2: a context for each event")\n'
    ),
    hints=(
        (
            "Put all events into one context and check it; then each into its own."
            " Which complaint goes away, and which one comes?"
        ),
        (
            "Begin with the rules that hold at once: their events cannot be parted."
            " Then look at *available* in each of the groups that you get. Can two of"
            " them share a context?"
        ),
        (
            "Six groups, one for each rule with `at_once`, and no two of them mean the"
            " same by *available*. What is left, `RebalancingWanted` and `BikesMoved`,"
            " has no such rule: the first speaks of a bike that can be promised, the"
            " second may go where you like."
        ),
    ),
    transfer=(
        (
            "A hospital's wall has *patient admitted*, *bed assigned*, *bed cleaned*,"
            " *treatment ordered*, *treatment billed* and *patient discharged*. Which"
            " word has two meanings there, and which two events must not lie in two"
            " contexts?"
        ),
        (
            "*Bed*: to the ward it is a place where somebody lies and is looked after,"
            " to housekeeping a thing to be cleaned; *patient* is a person to the ward"
            " and a debtor to the bill. A bed has one patient at a time, so *bed"
            " assigned* belongs with whatever frees the bed, *patient discharged*. That"
            " a bed is cleaned before it is given out again can be seen to a moment"
            " later: it takes a process, not a transaction."
        ),
    ),
    call=Call("sort", ("board",)),
    judge=_judge,
)
