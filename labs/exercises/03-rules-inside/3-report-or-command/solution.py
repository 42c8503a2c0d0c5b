from movingparts.scenes.ch03.dock import (
    AnomalyFound,
    BikeDocked,
    BikeTaken,
    BikeUnlocked,
    Docked,
    Unlock,
)
from movingparts.scenes.ch03.refusal import Refused


def handle(dock, message):
    at = message.at
    if isinstance(message, Unlock):
        if dock.bike is None:
            raise Refused("there is no bike in the dock")
        return [BikeUnlocked(dock.bike, at)]
    if message in dock.reports:
        return []
    if dock.is_late(message):
        return [AnomalyFound("a later report is known", at)]
    if isinstance(message, Docked):
        event, odd = BikeDocked(message.bike, at), dock.bike not in (None, message.bike)
    else:
        event, odd = BikeTaken(message.bike, at), dock.bike != message.bike
    anomaly = AnomalyFound(f"the dock was known to hold {dock.bike}", at)
    return [event, anomaly] if odd else [event]
