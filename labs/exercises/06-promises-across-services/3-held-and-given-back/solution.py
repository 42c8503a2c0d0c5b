TABLE = """CREATE TABLE IF NOT EXISTS holds
    (key TEXT PRIMARY KEY, state TEXT, rider TEXT, cents INTEGER)"""
FIRST = "INSERT INTO holds VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
TAKE = "UPDATE balances SET cents = cents - ? WHERE rider = ? AND cents >= ?"
GIVE = "UPDATE balances SET cents = cents + ? WHERE rider = ?"
STATE = "UPDATE holds SET state = ? WHERE key = ?"


class Balances:
    def __init__(self, db):
        self.db = db
        db.execute(TABLE)

    def hold(self, key, rider, cents):
        with self.db as db:
            new = db.execute(FIRST, (key, "held", rider, cents)).rowcount
            if new and not db.execute(TAKE, (cents, rider, cents)).rowcount:
                db.execute(STATE, ("refused", key))
            return self._known(key)[0] == "held"

    def give_back(self, key):
        with self.db as db:
            if not db.execute(FIRST, (key, "given back", "", 0)).rowcount:
                state, rider, cents = self._known(key)
                if state == "held":
                    db.execute(GIVE, (cents, rider))
                    db.execute(STATE, ("given back", key))

    def _known(self, key):
        sql = "SELECT state, rider, cents FROM holds WHERE key = ?"
        return self.db.execute(sql, [key]).fetchone()
