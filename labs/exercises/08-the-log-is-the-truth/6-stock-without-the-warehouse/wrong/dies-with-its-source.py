from solution import Sidecar as Right


class Sidecar(Right):
    def catch_up(self, log):
        while more := log.read(len(self.events)):
            self.events += more
