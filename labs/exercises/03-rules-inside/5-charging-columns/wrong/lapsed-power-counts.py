from solution import Refused
from solution import Site as Right


class Site(Right):
    def _use(self, uses, column, use):
        others = [kw for c, (_, kw, _) in self.uses.items() if c != column]
        if sum(others) + use[1] > self.limit:
            raise Refused(f"more than {self.limit} kW")
        super()._use(uses, column, use)
