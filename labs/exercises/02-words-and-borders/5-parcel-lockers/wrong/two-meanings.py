FOUR = {
    "lockers": "CompartmentReserved ReservationExpired CompartmentReleased"
    " DoorOpened DoorShut ShopOpened ShopClosed",
    "couriers": "ParcelAnnounced ParcelStowed ParcelReturned",
    "recipients": "CodeSent ParcelCollected CodeExpired",
    "merchants": "DeliveryCharged DeliveryCredited",
}


def sort_parcels(board):
    return {event: name for name, events in FOUR.items() for event in events.split()}
