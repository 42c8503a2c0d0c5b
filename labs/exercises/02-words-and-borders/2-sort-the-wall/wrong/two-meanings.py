GROUPS = (
    ("people", "RiderSignedUp RiderSuspended PassBought"),
    ("promises", "BikeReserved ReservationExpired ReservationCollected"),
    ("money", "PaymentAuthorized PaymentDeclined FareCharged"),
    ("bikes", "BikeUnlocked BikeDocked RideStarted RideEnded"),
    ("workshop", "BikeReportedFaulty BikeRepaired"),
    ("trucks", "RebalancingWanted BikesMoved"),
)


def sort(board):
    return {event: name for name, events in GROUPS for event in events.split()}
