from solution import Breaker as Right


class Breaker(Right):
    def leave(self, ticket, outcome):
        super().leave(self.period, outcome)
