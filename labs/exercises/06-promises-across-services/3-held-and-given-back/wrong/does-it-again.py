import solution


class Balances(solution.Balances):
    def give_back(self, key):
        with self.db as db:
            db.execute("BEGIN IMMEDIATE")
            state, rider, cents = self._known(key) or ("new", "", 0)
            if state == "held":
                db.execute(solution.GIVE, (cents, rider))
                db.execute("DELETE FROM holds WHERE key = ?", [key])
            elif state == "new":
                db.execute(solution.FIRST, (key, "given back", "", 0))
