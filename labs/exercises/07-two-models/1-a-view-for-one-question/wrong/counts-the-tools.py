import solution


class FreeTools(solution.FreeTools):
    def free(self, branch):
        query = "SELECT kind, count(*) FROM tools WHERE at = ? GROUP BY kind"
        return dict(self.db.execute(query, (branch,)))
