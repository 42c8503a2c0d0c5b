TABLES = """
CREATE TABLE IF NOT EXISTS tools (tool PRIMARY KEY, kind, at);
CREATE TABLE IF NOT EXISTS counts
    (branch, kind, tools, PRIMARY KEY (branch, kind));
"""
COUNT = """INSERT INTO counts VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET tools = tools + ?3"""


class FreeTools:
    def __init__(self, db):
        self.db = db
        db.executescript(TABLES)

    def apply(self, event):
        if event.type not in ("ToolBought", "ToolRented", "ToolReturned"):
            return
        tool, now = event.data["tool"], event.data.get("branch")
        if event.type == "ToolBought":
            row = (tool, event.data["kind"])
            self.db.execute("INSERT INTO tools VALUES (?, ?, NULL)", row)
        found = self.db.execute("SELECT kind, at FROM tools WHERE tool = ?", [tool])
        kind, before = found.fetchone()
        self.db.execute("UPDATE tools SET at = ? WHERE tool = ?", (now, tool))
        for branch, by in ((before, -1), (now, 1)):
            if branch is not None:
                self.db.execute(COUNT, (branch, kind, by))

    def free(self, branch):
        query = "SELECT kind, tools FROM counts WHERE branch = ? AND tools > 0"
        return dict(self.db.execute(query, (branch,)))
