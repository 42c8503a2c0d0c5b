def timeouts(depth, budget):
    return [budget - 0.040 * n for n in range(depth)]  # the work, and no hop
