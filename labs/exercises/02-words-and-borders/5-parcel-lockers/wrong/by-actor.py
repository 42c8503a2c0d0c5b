DOES = {
    "merchant": "ParcelAnnounced DeliveryCharged DeliveryCredited",
    "courier": "DoorOpened ParcelStowed DoorShut ParcelReturned",
    "recipient": "ParcelCollected",
    "firm": "CompartmentReserved ReservationExpired CompartmentReleased"
    " CodeSent CodeExpired",
    "shop": "ShopOpened ShopClosed",
}


def sort_parcels(board):
    return {event: who for who, events in DOES.items() for event in events.split()}
