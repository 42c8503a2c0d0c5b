from solution import Refused
from solution import Stand as Right


class Stand(Right):
    def walk_up(self, rider, now):
        mine = [bike for bike, (whose, _) in self.promised.items() if whose == rider]
        here = [bike for bike in self.bikes if bike not in self.riding]
        if rider in self.riding.values() or not here:
            raise Refused("no bike for you")
        bike = next(iter(mine + here))
        self.promised.pop(bike, None)
        self.riding[bike] = rider
        return bike
