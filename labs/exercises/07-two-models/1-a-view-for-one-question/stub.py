class FreeTools:
    def __init__(self, db):
        raise NotImplementedError("Exercise 7.1: make tables for one question")

    def apply(self, event): ...

    def free(self, branch): ...
