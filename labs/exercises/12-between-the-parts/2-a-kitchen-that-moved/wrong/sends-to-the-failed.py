from solution import Addresses as Right


class Addresses(Right):
    def failed(self, copy):  # until the next list has it again
        self.known = [each for each in self.known if each != copy] or self.known
