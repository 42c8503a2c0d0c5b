class Breaker:
    def __init__(self, now, failures, seconds):
        raise NotImplementedError("Exercise 12.3: a breaker with a probe")

    def enter(self): ...

    def leave(self, ticket, outcome): ...
