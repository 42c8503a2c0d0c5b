from solution import Refused
from solution import Stand as Right


class Stand(Right):
    def reserve(self, rider, now):
        if self.promised.pop(rider, None) or rider in self.riding:
            raise Refused(f"{rider} has a bike already")
        return super().reserve(rider, now)
