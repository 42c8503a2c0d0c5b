import solution

OLD = """UPDATE holds SET cents = ? + (SELECT cents FROM balances WHERE rider = ?)
    WHERE key = ? AND state = 'held'"""
BACK = "UPDATE balances SET cents = ? WHERE rider = ?"


class Balances(solution.Balances):
    def hold(self, key, rider, cents):
        held = super().hold(key, rider, cents)
        with self.db as db:
            db.execute(OLD, (cents, rider, key))
        return held

    def give_back(self, key):
        state, rider, old = self._known(key) or ("", "", 0)
        super().give_back(key)
        if state == "held":
            with self.db as db:
                db.execute(BACK, (old, rider))
