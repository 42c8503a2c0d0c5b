from movingparts.scenes.ch03 import dock as d
from movingparts.scenes.ch03.refusal import Refused


def handle(dock, message):
    if message in dock.reports:
        return []
    match message:
        case d.Unlock(at):
            if dock.bike is None:
                raise Refused("empty")
            return [d.BikeUnlocked(dock.bike, at)]
        case d.Docked(bike, at):
            events, odd = [d.BikeDocked(bike, at)], dock.bike not in (None, bike)
        case d.Taken(bike, at):
            events, odd = [d.BikeTaken(bike, at)], dock.bike != bike
    return events + [d.AnomalyFound("odd", at)] * odd
