from solution import slow_pages as right


def slow_pages(times, calls, limit, how):
    if how == "in a row":
        return right(times, calls, limit, how)
    return min(1.0, calls * sum(time > limit for time in times) / len(times))
