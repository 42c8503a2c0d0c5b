from datetime import timedelta

from movingparts.scenes.ch03.refusal import Refused


class Stand:
    def __init__(self, bikes):
        self.bikes = list(bikes)
        self.promised = {}  # bike: (rider, until)
        self.riding = {}  # bike: rider

    def reserve(self, rider, now):
        promises = self._promises(now)
        if rider in [*self.riding.values(), *(whose for whose, _ in promises.values())]:
            raise Refused(f"{rider} has a bike already")
        bike = self._free(promises)
        self.promised = promises | {bike: (rider, now + timedelta(minutes=10))}
        return bike

    def walk_up(self, rider, now):
        if rider in self.riding.values():
            raise Refused(f"{rider} has a bike already")
        promises = self._promises(now)
        mine = [bike for bike, (whose, _) in promises.items() if whose == rider]
        bike = mine[0] if mine else self._free(promises)
        promises.pop(bike, None)
        self.promised, self.riding[bike] = promises, rider
        return bike

    def give_back(self, rider, bike, now):
        if self.riding.get(bike) != rider:
            raise Refused(f"{rider} is not riding {bike}")
        del self.riding[bike]

    def _promises(self, now):
        return {bike: p for bike, p in self.promised.items() if now < p[1]}

    def _free(self, promises):
        for bike in self.bikes:
            if bike not in promises and bike not in self.riding:
                return bike
        raise Refused("no bike is left")
