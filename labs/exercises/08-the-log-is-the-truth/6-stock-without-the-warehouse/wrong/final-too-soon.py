from solution import Sidecar as Right


class Sidecar(Right):
    def stock(self, at):
        pallets, _ = super().stock(at)
        return pallets, bool(self.events) and at <= self.events[-1].at
