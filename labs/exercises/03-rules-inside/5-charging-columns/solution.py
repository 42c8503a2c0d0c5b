from datetime import timedelta

from movingparts.scenes.ch03.refusal import Refused


class Site:
    def __init__(self, columns, limit):
        self.columns, self.limit = list(columns), limit
        self.uses = {}  # column: (car, kw, until), with None while it charges

    def reserve(self, car, column, kw, now):
        self._use(self._bound(now), column, (car, kw, now + timedelta(minutes=15)))

    def start(self, car, column, kw, now):
        uses = self._bound(now)
        whose, _, until = uses.get(column, (None, 0, None))
        if whose == car and until is not None:
            del uses[column]  # charging takes the place of its own reservation
        self._use(uses, column, (car, kw, None))

    def stop(self, car, now):
        own = [
            c for c, (who, _, until) in self.uses.items() if (who, until) == (car, None)
        ]
        if not own:
            raise Refused(f"{car} does not charge")
        del self.uses[own[0]]

    def unplugged(self, column, now):
        if column in self.uses and self.uses[column][2] is None:
            del self.uses[column]

    def _bound(self, now):
        uses = self.uses.items()
        return {c: use for c, use in uses if use[2] is None or now < use[2]}

    def _use(self, uses, column, use):
        car, kw, _ = use
        if column not in self.columns:
            raise Refused(f"there is no column {column}")
        if column in uses or car in [who for who, _, _ in uses.values()]:
            raise Refused("one car a column, one column a car")
        if sum(each for _, each, _ in uses.values()) + kw > self.limit:
            raise Refused(f"more than {self.limit} kW for all columns together")
        self.uses = uses | {column: use}
