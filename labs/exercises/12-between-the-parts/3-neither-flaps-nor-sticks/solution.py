class Breaker:
    def __init__(self, now, failures, seconds):
        self.now, self.failures, self.seconds = now, failures, seconds
        self.state, self.period, self.failed, self.until = "closed", 0, 0, 0.0

    def enter(self):
        if self.state == "half-open":
            return None
        if self.state == "open":
            if self.now() < self.until:
                return None
            self.become("half-open")
        return self.period

    def leave(self, ticket, outcome):
        if ticket != self.period:  # a call from before
            return
        probe = self.state == "half-open"
        if outcome == "failed":
            self.failed += 1
            if probe or self.failed >= self.failures:
                self.until = self.now() + self.seconds
                self.become("open")
        elif outcome == "canceled":
            if probe:
                self.become("open")  # its time is over: the next call is a probe
        else:
            self.failed = 0
            if probe:
                self.become("closed")

    def become(self, state):
        self.state = state
        self.period += 1
        self.failed = 0
