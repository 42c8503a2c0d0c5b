from solution import Breaker as Right


class Breaker(Right):
    def leave(self, ticket, outcome):
        if outcome != "canceled":
            super().leave(ticket, outcome)
