from movingparts.scenes.ch03 import dock as d
from movingparts.scenes.ch03.refusal import Refused


def handle(dock, message):
    at, bike = message.at, getattr(message, "bike", None)
    if isinstance(message, d.Unlock):
        if dock.jammed or not dock.bike:
            raise Refused("jammed or empty")
        return [d.BikeUnlocked(dock.bike, at)]
    if message in dock.reports:
        return []
    if dock.is_late(message):
        return [d.AnomalyFound("late", at)]
    return {
        d.Docked: lambda: [d.BikeDocked(bike, at)],
        d.Taken: lambda: [d.BikeTaken(bike, at)],
        d.Jammed: lambda: [d.DockJammed(at)],
        d.Cleared: lambda: [d.DockCleared(at)],
    }[type(message)]()
