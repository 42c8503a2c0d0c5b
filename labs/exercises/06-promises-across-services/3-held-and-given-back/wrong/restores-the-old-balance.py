import solution

READ = "SELECT cents FROM balances WHERE rider = ?"
TABLE = "CREATE TABLE IF NOT EXISTS old (key PRIMARY KEY, rider, cents)"
BACK = """UPDATE balances SET cents = old.cents FROM old
    WHERE old.key = ? AND old.rider = balances.rider"""


class Balances(solution.Balances):
    def hold(self, key, rider, cents):
        self.db.execute(TABLE)
        (old,) = self.db.execute(READ, [rider]).fetchone()
        held = super().hold(key, rider, cents)
        with self.db as db:
            row = (key, rider, old)
            db.execute("INSERT OR IGNORE INTO old VALUES (?, ?, ?)", row)
        return held

    def give_back(self, key):
        held = (self._known(key) or [""])[0] == "held"
        super().give_back(key)
        if held:
            with self.db as db:
                db.execute(BACK, [key])
