"""Exercise 2.5: parcel lockers, another wall."""

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
from movingparts.storming import Board, Card, Rule

_SPACE = {"free": "a compartment that can be promised"}
_NO_COST = {"free": "a delivery that costs nothing"}
_STOWED = {"delivered": "a parcel that the courier has handed over"}
_TAKEN = {"delivered": "a parcel that the recipient has"}
_OWED = {"delivered": "a delivery that the merchant owes for"}
_DOOR = {"open": "a door that is not shut"}
_SHOP = {"open": "a shop that lets people in"}

LOCKERS = Board(
    cards=(
        Card("Announce", "There will be a parcel.", "command"),
        Card("ParcelAnnounced", "A parcel is on its way.", after=("Announce",)),
        Card(
            "CompartmentReserved",
            "A compartment of its size is kept for a parcel, until tonight.",
            after=("ParcelAnnounced",),
            words=_SPACE,
        ),
        Card(
            "ReservationExpired",
            "No courier came with the parcel.",
            after=("CompartmentReserved",),
            words=_SPACE,
        ),
        Card("DropOff", "I am at the locker.", "command", ("CompartmentReserved",)),
        Card(
            "DoorOpened",
            "A door has sprung open.",
            after=("DropOff",),
            words=_DOOR,
        ),
        Card(
            "ParcelStowed",
            "The courier has put the parcel in, and answers for it no more.",
            after=("DoorOpened",),
            words=_STOWED,
        ),
        Card("DoorShut", "A door is shut.", after=("DoorOpened",), words=_DOOR),
        Card(
            "SendACode",
            "Whenever a parcel is stowed, its recipient gets a code.",
            "policy",
            ("ParcelStowed",),
        ),
        Card(
            "CodeSent", "The recipient has a code for the door.", after=("SendACode",)
        ),
        Card(
            "ParcelCollected",
            "The recipient has her parcel.",
            after=("CodeSent",),
            words=_TAKEN,
        ),
        Card(
            "WhoseDoor",
            "The door did not report: has anybody taken anything out?",
            "hot spot",
            ("ParcelCollected",),
        ),
        Card("CodeExpired", "A week is over, and nobody came.", after=("CodeSent",)),
        Card(
            "ParcelReturned",
            "The courier has the parcel again.",
            after=("CodeExpired",),
            words=_STOWED,
        ),
        Card(
            "CompartmentReleased",
            "A compartment is empty.",
            after=("ParcelCollected", "ParcelReturned"),
            words=_SPACE,
        ),
        Card(
            "DeliveryCharged",
            "The merchant was charged.",
            after=("ParcelCollected",),
            words=_OWED,
        ),
        Card(
            "DeliveryCredited",
            "The merchant has the money back.",
            after=("ParcelReturned",),
            words={**_OWED, **_NO_COST},
        ),
        Card("ShopOpened", "The shop around the locker has opened.", words=_SHOP),
        Card(
            "ShopClosed",
            "The shop around the locker has closed for the night.",
            after=("ShopOpened",),
            words=_SHOP,
        ),
    ),
    rules=(
        Rule(
            "a compartment is kept for one parcel",
            ("CompartmentReserved", "ReservationExpired", "CompartmentReleased"),
        ),
        Rule(
            "a courier answers for a parcel until it is stowed, and from its return on",
            ("ParcelAnnounced", "ParcelStowed", "ParcelReturned"),
        ),
        Rule(
            "a code opens a door once, and not after its time",
            ("CodeSent", "ParcelCollected", "CodeExpired"),
        ),
        Rule("an open door is opened for nobody else", ("DoorOpened", "DoorShut")),
        Rule(
            "a delivery is charged once, and credited only after that",
            ("DeliveryCharged", "DeliveryCredited"),
        ),
        Rule("a shop is open or closed, never both", ("ShopOpened", "ShopClosed")),
        Rule(
            "a courier finds a compartment that was kept",
            ("CompartmentReserved", "DoorOpened"),
            at_once=False,
        ),
        Rule("what is stowed gets a code", ("ParcelStowed", "CodeSent"), at_once=False),
        Rule(
            "a compartment is released when its parcel is gone",
            ("ParcelCollected", "CompartmentReleased"),
            at_once=False,
        ),
        Rule(
            "what nobody has collected goes back",
            ("CodeExpired", "ParcelReturned"),
            at_once=False,
        ),
        Rule(
            "a merchant is charged when the recipient has the parcel",
            ("ParcelCollected", "DeliveryCharged"),
            at_once=False,
        ),
        Rule(
            "what has gone back is credited",
            ("ParcelReturned", "DeliveryCredited"),
            at_once=False,
        ),
    ),
)
"""The wall of a firm that runs parcel lockers in shops, in order of time."""

_COMPARTMENT = Book(
    "free",
    {
        ("free", "CompartmentReserved"): "kept",
        ("kept", "ReservationExpired"): "free",
        ("kept", "CompartmentReleased"): "free",
    },
    (
        Harm(
            "CompartmentReleased",
            "ReservationExpired",
            "{first} has released the compartment, and {second}, which never heard of"
            " it, lets the old reservation lapse: whoever has the compartment by now"
            " loses it.",
            before=("CompartmentReserved",),
        ),
        Harm(
            "CompartmentReserved",
            "ReservationExpired",
            "{first} keeps a compartment for a parcel that never comes. {second} knows"
            " of no reservation and lets none lapse: it stays empty for ever.",
        ),
    ),
)
_CUSTODY = Book(
    "nobody",
    {
        ("nobody", "ParcelAnnounced"): "courier",
        ("courier", "ParcelStowed"): "locker",
        ("locker", "ParcelReturned"): "courier",
    },
    (
        Harm(
            "ParcelStowed",
            "ParcelReturned",
            "The courier has stowed the parcel, says {first}. {second} never heard of"
            " it, and gives no parcel back that it believes to be on a van.",
            before=("ParcelAnnounced",),
        ),
        Harm(
            "ParcelAnnounced",
            "ParcelStowed",
            "The parcel was announced to {first}. The courier stands at the locker with"
            " it, and {second}, which never heard of it, takes none.",
        ),
    ),
)
_CODE = Book(
    "none",
    {
        ("none", "CodeSent"): "valid",
        ("valid", "ParcelCollected"): "used",
        ("valid", "CodeExpired"): "over",
    },
    (
        Harm(
            "ParcelCollected",
            "CodeExpired",
            "The recipient has her parcel, says {first}. {second} never heard of it,"
            " lets the code expire, and sends a courier for what is not there.",
            before=("CodeSent",),
        ),
        Harm(
            "CodeSent",
            "ParcelCollected",
            "{first} has sent a code. The recipient types it in, and {second}, which"
            " never heard of it, keeps the door shut.",
        ),
    ),
)
_DOORS = Book(
    "shut",
    {("shut", "DoorOpened"): "open", ("open", "DoorShut"): "shut"},
    (
        Harm(
            "DoorShut",
            "DoorOpened",
            "The door was shut, says {first}. To {second}, which never heard of it, it"
            " stands open, and so it is opened for nobody.",
            before=("DoorOpened",),
        ),
    ),
)
_BILL = Book(
    "nothing",
    {
        ("nothing", "DeliveryCharged"): "charged",
        ("charged", "DeliveryCredited"): "credited",
    },
    (
        Harm(
            "DeliveryCharged",
            "DeliveryCredited",
            "{first} has charged the merchant. The parcel has come back, and {second},"
            " which knows of no charge, has none to credit.",
        ),
    ),
)
_HOURS = Book(
    "closed",
    {("closed", "ShopOpened"): "open", ("open", "ShopClosed"): "closed"},
    (
        Harm(
            "ShopOpened",
            "ShopClosed",
            "The shop has opened, says {first}. In the evening {second}, to which it"
            " never was, cannot close it: it is open all night.",
        ),
    ),
)
CARRIED_OVER = Pattern(
    "carried-over",
    together("CompartmentReserved", "ReservationExpired", "ParcelCollected"),
    "Reserved, expired, collected: that was one context for bikes, where a rider"
    " collects what she has reserved. Here a courier reserves a compartment, and a"
    " recipient collects with a code. The names are alike and the rules are others.",
)
BY_NOUN = Pattern(
    "everything-about-the-parcel",
    together("ParcelAnnounced", "ParcelStowed", "ParcelCollected", "ParcelReturned"),
    "You put together what has the same noun. To the courier a parcel is delivered when"
    " the door falls shut, to the recipient when she has it in her hands.",
    shown_by="clash",
)
BY_PLACE = Pattern(
    "what-happens-at-the-locker",
    together("DoorOpened", "DoorShut", "ParcelStowed", "ParcelCollected"),
    "You put together what happens in one place. A courier and a recipient stand at the"
    " same door, a week apart, and mean different things by what they do there.",
    shown_by="clash",
)
# By names of their own, so that the guard sees whether anybody changes them.
BOARD = fixed(LOCKERS)
CARDS, RULES = BOARD.cards, BOARD.rules
PARCELS = Wall(
    BOARD,
    (_COMPARTMENT, _CUSTODY, _CODE, _DOORS, _BILL, _HOURS),
    frozenset(
        {
            ("free", "CompartmentReserved"),
            ("open", "DoorShut"),
            ("open", "ShopClosed"),
            ("delivered", "ParcelReturned"),
            ("delivered", "DeliveryCredited"),
        }
    ),
    (*COMMON, CARRIED_OVER, BY_NOUN, BY_PLACE, ONE_WORD),
)


def _judge(answer: Answer) -> Judgement:
    return judge(answer, PARCELS)


PARCEL_LOCKERS = Exercise(
    id="2.5",
    title="Parcel lockers",
    difficulty="medium",
    lab="02-words-and-borders",
    statement=(
        "A firm has lockers in shops: couriers put parcels in, recipients take them"
        " out, merchants pay. Sort its wall: write `sort_parcels(board)` for `LOCKERS`,"
        " as `sort` for the bikes, with the same judge. Some of the cards will look"
        " familiar. *Delivered*, *open* and *free* are on the wall, each with more than"
        " one meaning."
    ),
    stub=(
        "def sort_parcels(board):\n"
        '    raise NotImplementedError("Exercise 2.5: the wall of another firm")\n'
    ),
    hints=(
        (
            "Forget the bikes, and ask two people: when is a parcel delivered, says the"
            " courier, and when, says the recipient?"
        ),
        (
            "Write down the groups that rules with `at_once` hold together. This time"
            " some of them may share a context, since they have no word in common."
            " Which may not?"
        ),
        (
            "Six groups: compartments (reserved, expired, released), custody"
            " (announced, stowed, returned), codes (sent, collected, expired), doors,"
            " bills, opening hours. Custody, codes and bills part over *delivered*,"
            " doors and hours over *open*, compartments and bills over *free*. Each"
            " group for itself passes; so do three contexts, at fewer processes."
        ),
    ),
    transfer=(
        (
            "On the wall of a food delivery *accepted* stands twice: a kitchen accepts"
            " an order, and so does a courier. Somebody proposes one context for"
            " orders, with one field `accepted_by`. What will go wrong, and how can you"
            " see it before it does?"
        ),
        (
            "The word covers two promises, to cook and to carry. With one field the"
            " second overwrites the first: an order that only a courier has accepted"
            " gets a time at which it will be ready. To see it before, take each rule"
            " that says *accepted* and ask which of the two it means. If the rules fall"
            " into two groups that share no event, there are two contexts, and *what is"
            " cooked is carried* is a process between them."
        ),
    ),
    call=Call("sort_parcels", ("board",)),
    judge=_judge,
)
