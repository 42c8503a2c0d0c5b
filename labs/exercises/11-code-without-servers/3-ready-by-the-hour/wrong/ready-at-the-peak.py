def plan(try_out, budget):
    calls = try_out([0] * 24).calls
    chosen = [0] * 24
    for hour in sorted(range(24), key=calls.__getitem__)[-4:]:
        chosen[hour] = 2 if calls[hour] > 300 else 1
    return chosen
