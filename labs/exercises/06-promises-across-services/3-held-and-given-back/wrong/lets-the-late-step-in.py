import solution


class Balances(solution.Balances):
    def give_back(self, key):
        if self._known(key):
            super().give_back(key)
