"""The board of a firm that runs parcel lockers in shops, in order of time.

Couriers put parcels in, recipients take them out, and merchants pay.
"""

from __future__ import annotations

from movingparts.strategy.event_storming import Board, Card, Rule

_SPACE = {"free": "a compartment that can be reserved"}
_NO_COST = {"free": "a delivery that costs nothing"}
_STOWED = {"delivered": "a parcel that the courier has handed over"}
_TAKEN = {"delivered": "a parcel that the recipient has"}
_OWED = {"delivered": "a delivery that the merchant owes for"}
_DOOR = {"open": "a door that isn't shut"}
_SHOP = {"open": "a shop that lets people in"}

# fmt: off
_CARDS = (
    Card("Announce", "There will be a parcel.", "command"),
    Card("ParcelAnnounced", "A parcel is on its way.", "event", ("Announce",)),
    Card("CompartmentReserved", "A compartment of its size is kept until tonight.",
         "event", ("ParcelAnnounced",), _SPACE),
    Card("ReservationExpired", "No courier came with the parcel.",
         "event", ("CompartmentReserved",), _SPACE),
    Card("DropOff", "I am at the locker.", "command", ("CompartmentReserved",)),
    Card("DoorOpened", "A door has sprung open.", "event", ("DropOff",), _DOOR),
    Card("ParcelStowed", "The parcel is in, and the courier's part is done.",
         "event", ("DoorOpened",), _STOWED),
    Card("DoorShut", "A door is shut.", "event", ("DoorOpened",), _DOOR),
    Card("SendACode", "Whenever a parcel is stowed, its recipient gets a code.",
         "policy", ("ParcelStowed",)),
    Card("CodeSent", "The recipient has a code for the door.",
         "event", ("SendACode",)),
    Card("ParcelCollected", "The recipient has her parcel.",
         "event", ("CodeSent",), _TAKEN),
    Card("WhoseDoor", "The door did not report: has anyone taken anything out?",
         "hot spot", ("ParcelCollected",)),
    Card("CodeExpired", "A week is over, and no one came.", "event", ("CodeSent",)),
    Card("ParcelReturned", "The courier has the parcel again.",
         "event", ("CodeExpired",), _STOWED),
    Card("CompartmentReleased", "A compartment is empty.",
         "event", ("ParcelCollected", "ParcelReturned"), _SPACE),
    Card("DeliveryCharged", "The merchant was charged.",
         "event", ("ParcelCollected",), _OWED),
    Card("DeliveryCredited", "The merchant has the money back.",
         "event", ("ParcelReturned",), {**_OWED, **_NO_COST}),
    Card("ShopOpened", "The shop around the locker has opened.", words=_SHOP),
    Card("ShopClosed", "The shop around the locker has closed for the night.",
         "event", ("ShopOpened",), _SHOP),
)
# fmt: on
_AT_ONCE = {
    "a compartment is kept for one parcel": (
        "CompartmentReserved ReservationExpired CompartmentReleased"
    ),
    "a courier is liable for a parcel until it is stowed, and again after its return": (
        "ParcelAnnounced ParcelStowed ParcelReturned"
    ),
    "a code opens a door once, and not after its time": (
        "CodeSent ParcelCollected CodeExpired"
    ),
    "a door that is open is opened for no one else": "DoorOpened DoorShut",
    "a delivery is charged once, and credited only after that": (
        "DeliveryCharged DeliveryCredited"
    ),
    "a shop is open or closed, never both": "ShopOpened ShopClosed",
}
_LATER = {
    "a courier finds a compartment that was kept": "CompartmentReserved DoorOpened",
    "a code is sent for what is stowed": "ParcelStowed CodeSent",
    "a compartment is released when its parcel is gone": (
        "ParcelCollected CompartmentReleased"
    ),
    "what no one has collected goes back": "CodeExpired ParcelReturned",
    "a merchant is charged when the recipient has the parcel": (
        "ParcelCollected DeliveryCharged"
    ),
    "what has gone back is credited": "ParcelReturned DeliveryCredited",
}
LOCKERS = Board(
    _CARDS,
    (
        *(Rule(says, tuple(events.split())) for says, events in _AT_ONCE.items()),
        *(Rule(says, tuple(events.split()), False) for says, events in _LATER.items()),
    ),
)
