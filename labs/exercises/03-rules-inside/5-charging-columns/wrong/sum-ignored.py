from solution import Refused
from solution import Site as Right


class Site(Right):
    def _use(self, uses, column, use):
        if use[1] > self.limit:
            raise Refused(f"more than {self.limit} kW")
        limit, self.limit = self.limit, float("inf")  # each column by itself
        try:
            super()._use(uses, column, use)
        finally:
            self.limit = limit
