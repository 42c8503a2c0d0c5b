from movingparts.scenes.ch03 import dock as d
from movingparts.scenes.ch03.refusal import Refused


def handle(dock, message):
    match message:
        case d.Unlock(at) if dock.bike and not dock.jammed:
            return [d.BikeUnlocked(dock.bike, at)]
        case d.Docked(bike, at) if dock.bike is None:
            return [d.BikeDocked(bike, at)]
        case d.Taken(bike, at) if dock.bike == bike:
            return [d.BikeTaken(bike, at)]
        case d.Jammed(at):
            return [d.DockJammed(at)]
        case d.Cleared(at):
            return [d.DockCleared(at)]
    raise Refused("that can't be")
