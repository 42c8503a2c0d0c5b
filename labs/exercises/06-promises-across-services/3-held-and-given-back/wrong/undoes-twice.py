import solution


class Balances(solution.Balances):
    def give_back(self, key):
        with self.db as db:
            if not db.execute(solution.FIRST, (key, "given back", "", 0)).rowcount:
                state, rider, cents = self._known(key)
                if state != "refused":
                    db.execute(solution.GIVE, (cents, rider))
                    db.execute(solution.STATE, ("given back", key))
