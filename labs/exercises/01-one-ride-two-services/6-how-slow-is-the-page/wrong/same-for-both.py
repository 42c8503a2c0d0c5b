def slow_pages(times, calls, limit, how):
    slow = sum(time > limit for time in times) / len(times)
    return 1 - (1 - slow) ** calls
