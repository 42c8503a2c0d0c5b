"""Checks exercise 2.5: what a sorting of the lockers' wall tears and mixes up."""

from movingparts.check import Check, Law, always
from movingparts.scenes.ch02.board_runs import Harm, Sorted, StateMachine, recorded
from movingparts.scenes.ch02.lockers import LOCKERS

RULES = (
    StateMachine(
        "free CompartmentReserved kept, kept ReservationExpired free,"
        " kept CompartmentReleased free",
        Harm(
            "CompartmentReserved CompartmentReleased ReservationExpired",
            "{first} has released the compartment, but {second} never finds out and"
            " lets the old reservation expire: the next parcel in it loses its place.",
        ),
        Harm(
            "CompartmentReserved ReservationExpired",
            "{first} keeps a compartment for a parcel that never comes, but {second}"
            " knows of no reservation that could expire: it stays empty forever.",
        ),
    ),
    StateMachine(
        "merchant ParcelAnnounced courier, courier ParcelStowed locker,"
        " locker ParcelReturned courier",
        Harm(
            "ParcelAnnounced ParcelStowed ParcelReturned",
            "To {first} the parcel is stowed, but {second} never finds out. It believes"
            " that the parcel is still on a van, and can't give it back.",
        ),
        Harm(
            "ParcelAnnounced ParcelStowed",
            "The parcel was announced to {first}, but {second} never finds out, and"
            " turns the courier away who brings it.",
        ),
    ),
    StateMachine(
        "none CodeSent valid, valid ParcelCollected used, valid CodeExpired over",
        Harm(
            "CodeSent ParcelCollected CodeExpired",
            "To {first} the parcel is collected, but {second} never finds out. It lets"
            " the code expire, and sends a courier for a parcel that is gone.",
        ),
        Harm(
            "CodeSent ParcelCollected",
            "{first} has sent a code, but {second} never finds out, and keeps the door"
            " shut when the recipient types it in.",
        ),
    ),
    StateMachine(
        "shut DoorOpened open, open DoorShut shut",
        Harm(
            "DoorOpened DoorShut DoorOpened",
            "To {first} the door is shut, but {second} never finds out. It believes"
            " that the door is open, and so it opens it for no one.",
        ),
    ),
    StateMachine(
        "nothing DeliveryCharged charged, charged DeliveryCredited credited",
        Harm(
            "DeliveryCharged DeliveryCredited",
            "{first} has charged the merchant, but {second} never finds out. When the"
            " parcel comes back, {second} has no charge to credit.",
        ),
    ),
    StateMachine(
        "closed ShopOpened open, open ShopClosed closed",
        Harm(
            "ShopOpened ShopClosed",
            "To {first} the shop is open, but {second} never finds out and can't close"
            " it in the evening: it is open all night.",
        ),
    ),
)
UNDONE = {
    *(("free", "CompartmentReserved"), ("open", "DoorShut"), ("open", "ShopClosed")),
    *(("delivered", "ParcelReturned"), ("delivered", "DeliveryCredited")),
}
AS_BIKES = ("CompartmentReserved", "ReservationExpired", "ParcelCollected")
CODE = ("CodeSent", "ParcelCollected")
PARCEL = ("ParcelAnnounced", "ParcelStowed", "ParcelCollected", "ParcelReturned")
PLACE = ("DoorOpened", "DoorShut", "ParcelStowed", "ParcelCollected")
BY_WORD = (  # laws that a word shows better than a rule
    *("one-context-for-everything", "every-rule-at-once", "same-word-same-context"),
    *("everything-about-the-parcel", "what-happens-at-the-locker", "two-meanings"),
)


def carried_over(found):
    """Return whether it is the bikes' sorting: reserved, expired, and collected."""
    return found.together(*AS_BIKES) and not found.together(*CODE)


def by_actor(found):
    """Return whether merchants or recipients have what they do to themselves."""
    merchant = found.together("ParcelAnnounced", "DeliveryCharged")
    recipient = not found.together(*CODE)
    courier = found.together("ParcelStowed", "ParcelReturned", "DoorOpened")
    return (merchant or (recipient and courier)) and len(found.contexts) > 2


def holds(found):
    return found.holds


CHECK = Check(
    cases=lambda: [(LOCKERS,)],
    seen=lambda board, value: Sorted(board, value, RULES, UNDONE, PARCEL[1:3]),
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
        Law("carried-over", carried_over, holds),
        Law("everything-about-the-parcel", lambda s: s.together(*PARCEL), holds),
        Law("what-happens-at-the-locker", lambda s: s.together(*PLACE), holds),
        Law("by-actor", by_actor, holds),
        Law("same-word-same-context", Sorted.is_by_word, holds),
        Law("torn-rule", always, lambda s: not s.torn_rules),
        Law("two-meanings", always, holds),
    ),
    praise=lambda all_: {"contexts": len(all_[0].contexts), "price": all_[0].price},
)
