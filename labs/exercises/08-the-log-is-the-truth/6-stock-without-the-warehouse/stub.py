from movingparts.scenes.ch08.warehouse import Gone, OtherLog


class Sidecar:
    def __init__(self, disk):
        raise NotImplementedError("Exercise 8.6: a sidecar that survives its source")

    def catch_up(self, log): ...

    def stock(self, at): ...
