from statistics import mean


def slow_pages(times, calls, limit, how):
    page = mean(times) * (calls if how == "in a row" else 1)
    return 1.0 if page > limit else 0.0
