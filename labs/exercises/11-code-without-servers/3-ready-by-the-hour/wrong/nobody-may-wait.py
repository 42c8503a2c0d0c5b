def plan(try_out, budget):
    flat = [try_out([count] * 24) for count in range(5)]
    return [
        next((count for count in range(5) if flat[count].cold[hour] == 0), 4)
        for hour in range(24)
    ]
