from solution import Refused, timedelta
from solution import Stand as Right


class Stand(Right):
    def reserve(self, rider, now):
        promises = self._promises(now)
        bike = self._free(promises)
        self.promised[bike] = (rider, now + timedelta(minutes=10))
        if rider in [*self.riding.values(), *(whose for whose, _ in promises.values())]:
            raise Refused(f"{rider} has a bike already")
        return bike
