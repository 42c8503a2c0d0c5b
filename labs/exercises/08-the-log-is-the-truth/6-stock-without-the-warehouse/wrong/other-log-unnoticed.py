from contextlib import suppress

from solution import OtherLog
from solution import Sidecar as Right


class Sidecar(Right):
    def catch_up(self, log):
        with suppress(OtherLog):
            super().catch_up(log)
