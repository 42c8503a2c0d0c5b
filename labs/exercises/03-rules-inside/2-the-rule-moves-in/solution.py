from datetime import timedelta

from movingparts.scenes.ch03.refusal import Refused


class Stand:
    def __init__(self, bikes):
        self.bikes = list(bikes)
        self.promised = {}  # rider: (bike, until)
        self.riding = {}  # rider: bike

    def reserve(self, rider, now):
        promised = self._promises(now)
        if rider in promised or rider in self.riding:
            raise Refused(f"{rider} has a bike already")
        bike = self._free(promised)
        self.promised = promised | {rider: (bike, now + timedelta(minutes=10))}
        return bike

    def walk_up(self, rider, now):
        promised = self._promises(now)
        if rider in self.riding:
            raise Refused(f"{rider} has a bike already")
        bike = promised.pop(rider)[0] if rider in promised else self._free(promised)
        self.promised, self.riding[rider] = promised, bike
        return bike

    def give_back(self, rider, now):
        if rider not in self.riding:
            raise Refused(f"{rider} is riding no bike")
        return self.riding.pop(rider)

    def _promises(self, now):
        return {rider: p for rider, p in self.promised.items() if now < p[1]}

    def _free(self, promised):
        taken = [*self.riding.values(), *(bike for bike, _ in promised.values())]
        for bike in self.bikes:
            if bike not in taken:
                return bike
        raise Refused("no bike is left")
