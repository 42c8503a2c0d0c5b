def slow_pages(times, calls, limit, how):
    raise NotImplementedError("Exercise 1.6: how many pages are slow?")
