from solution import Breaker as Right


class Breaker(Right):
    def leave(self, ticket, outcome):
        probe = self.state == "half-open" and ticket == self.period
        if probe and outcome == "failed" and self.failures > 1:
            self.become("closed")
            self.failed = 1
        else:
            super().leave(ticket, outcome)
