import solution

COUNT = """INSERT INTO counts
    SELECT at, kind, count(*) FROM tools WHERE at IS NOT NULL GROUP BY at, kind"""


class FreeTools(solution.FreeTools):
    def apply(self, event):
        super().apply(event)
        self.db.execute("DELETE FROM counts")
        self.db.execute(COUNT)
