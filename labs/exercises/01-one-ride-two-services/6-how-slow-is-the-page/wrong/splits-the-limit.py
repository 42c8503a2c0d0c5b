def slow_pages(times, calls, limit, how):
    each = limit / calls if how == "in a row" else limit
    slow = sum(time > each for time in times) / len(times)
    return 1 - (1 - slow) ** calls
