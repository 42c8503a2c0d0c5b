from solution import Refused
from solution import Site as Right


class Site(Right):
    def unplugged(self, column, now):
        if column not in self.uses:
            raise Refused(f"nobody charges at {column}")
        super().unplugged(column, now)
