from solution import Refused
from solution import Site as Right


class Site(Right):
    def start(self, car, column, kw, now):
        if sum(each for _, each, _ in self._bound(now).values()) + kw > self.limit:
            raise Refused(f"more than {self.limit} kW")
        super().start(car, column, kw, now)
