def sort(board):
    contexts = {
        "people": "RiderSignedUp RiderSuspended PassBought",
        "promises": "BikeReserved ReservationExpired ReservationCollected",
        "money": "PaymentAuthorized PaymentDeclined FareCharged",
        "docks": "BikeUnlocked BikeDocked",
        "trips": "RideStarted RideEnded",
        "workshop": "BikeReportedFaulty BikeRepaired",
        "trucks": "RebalancingWanted BikesMoved",
    }
    return {
        event: name for name, events in contexts.items() for event in events.split()
    }
