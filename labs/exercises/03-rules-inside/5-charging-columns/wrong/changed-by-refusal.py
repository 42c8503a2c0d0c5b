from solution import Site as Right


class Site(Right):
    def start(self, car, column, kw, now):
        self.uses = self._bound(now)
        if self.uses.get(column, (None, 0, None))[0] == car:
            if self.uses[column][2] is not None:
                del self.uses[column]
        super().start(car, column, kw, now)
