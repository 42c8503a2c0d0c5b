from solution import Breaker as Right


class Breaker(Right):
    def enter(self):
        if self.state == "half-open":
            return self.period
        return super().enter()
