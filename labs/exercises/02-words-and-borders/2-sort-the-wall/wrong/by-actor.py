DOES = {
    "rider": "RiderSignedUp PassBought BikeReserved ReservationCollected RideStarted"
    " RideEnded BikeReportedFaulty",
    "city": "RiderSuspended ReservationExpired RebalancingWanted",
    "bank": "PaymentAuthorized PaymentDeclined FareCharged",
    "dock": "BikeUnlocked BikeDocked",
    "mechanic": "BikeRepaired",
    "truck": "BikesMoved",
}


def sort(board):
    return {event: who for who, events in DOES.items() for event in events.split()}
