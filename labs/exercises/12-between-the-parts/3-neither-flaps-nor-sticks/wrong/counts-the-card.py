from solution import Breaker as Right


class Breaker(Right):
    def leave(self, ticket, outcome):
        bad = outcome == "declined"
        super().leave(ticket, "failed" if bad else outcome)
