import solution

solution.STATE = "SELECT ?, ?"  # what became of a key is noted nowhere
Balances = solution.Balances
