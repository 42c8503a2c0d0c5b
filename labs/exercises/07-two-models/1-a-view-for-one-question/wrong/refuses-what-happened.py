import solution


class FreeTools(solution.FreeTools):
    def apply(self, event):
        if event.type == "ToolRented":
            query = "SELECT tool FROM tools WHERE tool = ? AND at IS NOT NULL"
            if not self.db.execute(query, (event.data["tool"],)).fetchone():
                raise ValueError(f"{event.data['tool']} is out already")
        super().apply(event)
