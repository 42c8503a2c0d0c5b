def sort_parcels(board):
    contexts = {
        "lockers": "CompartmentReserved ReservationExpired CompartmentReleased"
        " DoorOpened DoorShut ParcelAnnounced ParcelStowed ParcelReturned",
        "pick-up": "CodeSent ParcelCollected CodeExpired ShopOpened ShopClosed",
        "merchants": "DeliveryCharged DeliveryCredited",
    }
    return {
        event: name for name, events in contexts.items() for event in events.split()
    }
