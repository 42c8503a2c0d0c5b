from movingparts.scenes.ch03 import dock as d
from movingparts.scenes.ch03.refusal import Refused


def handle(dock, message):
    at = message.at
    if isinstance(message, d.Unlock):
        if dock.jammed or not dock.bike:
            raise Refused("jammed or empty")
        return [d.BikeUnlocked(dock.bike, at)]
    if dock.is_late(message):
        return [d.AnomalyFound("late", at)]
    if isinstance(message, d.Docked):
        odd = [d.AnomalyFound("two", at)] * (dock.bike not in (None, message.bike))
        return [d.BikeDocked(message.bike, at), *odd]
    if isinstance(message, d.Taken):
        odd = [d.AnomalyFound("not there", at)] * (dock.bike != message.bike)
        return [d.BikeTaken(message.bike, at), *odd]
    return [d.DockJammed(at) if isinstance(message, d.Jammed) else d.DockCleared(at)]
