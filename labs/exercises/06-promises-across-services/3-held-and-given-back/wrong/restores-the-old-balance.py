import solution

OLD = "coalesce((SELECT cents FROM balances WHERE rider = ?3), ?4)"
solution.FIRST = solution.FIRST.replace("?, ?, ?, ?", f"?1, ?2, ?3, {OLD}")
solution.GIVE = "UPDATE balances SET cents = ? WHERE rider = ?"
Balances = solution.Balances
