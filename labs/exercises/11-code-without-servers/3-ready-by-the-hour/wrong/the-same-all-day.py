def plan(try_out, budget):
    for count in range(10):
        if try_out([count] * 24).p99 <= 2.0:
            return [count] * 24
    return [9] * 24
