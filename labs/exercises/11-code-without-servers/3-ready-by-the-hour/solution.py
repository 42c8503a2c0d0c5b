HOURS = range(24)


def plan(try_out, budget):
    flat = [try_out([count] * 24) for count in range(5)]
    chosen = [0] * 24

    def saves(hour):
        now, more = flat[chosen[hour]], flat[min(chosen[hour] + 1, 4)]
        return now.cold[hour] - more.cold[hour]

    while True:
        expected = sum(flat[chosen[hour]].cold[hour] for hour in HOURS)
        if expected <= sum(flat[0].calls) // 100:
            day = try_out(chosen)
            if day.p99 <= 2.0:
                return chosen
        chosen[max(HOURS, key=saves)] += 1
