from movingparts.scenes.ch03.dock import (
    AnomalyFound,
    BikeDocked,
    BikeTaken,
    BikeUnlocked,
    Cleared,
    DockCleared,
    Docked,
    DockJammed,
    Jammed,
    Taken,
    Unlock,
)
from movingparts.scenes.ch03.refusal import Refused


def handle(dock, message):
    at = message.at
    match message:
        case Unlock():
            if dock.jammed or dock.bike is None:
                raise Refused("the dock is jammed or empty")
            return [BikeUnlocked(dock.bike, at)]
        case _ if message in dock.reports:
            return []
        case _ if dock.is_late(message):
            return [AnomalyFound("a later report is known", at)]
        case Docked(bike):
            event, odd = BikeDocked(bike, at), dock.bike not in (None, bike)
        case Taken(bike):
            event, odd = BikeTaken(bike, at), dock.bike != bike
        case Jammed():
            event, odd = DockJammed(at), False
        case Cleared():
            event, odd = DockCleared(at), False
    anomaly = AnomalyFound(f"the dock was known to hold {dock.bike}", at)
    return [event, anomaly] if odd else [event]
