from movingparts.scenes.ch03 import dock as d
from movingparts.scenes.ch03.refusal import Refused


def handle(dock, message):
    match message:
        case d.Unlock(at) if dock.bike:
            return [d.BikeUnlocked(dock.bike, at)]
        case d.Docked(bike, at) if dock.bike is None:
            return [d.BikeDocked(bike, at)]
        case d.Taken(bike, at) if dock.bike == bike:
            return [d.BikeTaken(bike, at)]
    raise Refused("that can't be")
