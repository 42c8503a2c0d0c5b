def plan(try_out, budget):
    chosen, best = [0] * 24, try_out([0] * 24)
    while best.p99 > 2.0:
        tries = {}
        for hour in range(24):
            more = [count + (hour == at) for at, count in enumerate(chosen)]
            tries[hour] = try_out(more)
        hour = min(tries, key=lambda at: sum(tries[at].cold))
        chosen[hour] += 1
        best = tries[hour]
    return chosen
