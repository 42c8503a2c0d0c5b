from solution import Addresses as Right


class Addresses(Right):
    def failed(self, copy):
        self.out_until[copy] = float("inf")
