from solution import Sidecar as Right


class Sidecar(Right):
    def stock(self, at):
        _, final = super().stock(at)
        return sum(event.change for event in self.events), final
