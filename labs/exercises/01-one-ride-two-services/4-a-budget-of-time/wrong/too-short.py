def timeouts(depth, budget):
    return [budget / 2**n for n in range(depth)]
