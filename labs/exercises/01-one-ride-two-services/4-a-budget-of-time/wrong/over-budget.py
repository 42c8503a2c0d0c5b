def timeouts(depth, budget):
    return [1000 * budget - 60 * n for n in range(depth)]  # milliseconds
