AS_THE_BIKES = {
    "promises": "CompartmentReserved ReservationExpired ParcelCollected",
    "docks": "DoorOpened DoorShut CompartmentReleased",
    "rides": "ParcelAnnounced ParcelStowed ParcelReturned",
    "riders": "CodeSent CodeExpired",
    "billing": "DeliveryCharged DeliveryCredited",
    "fleet": "ShopOpened ShopClosed",
}


def sort_parcels(board):
    return {e: name for name, events in AS_THE_BIKES.items() for e in events.split()}
