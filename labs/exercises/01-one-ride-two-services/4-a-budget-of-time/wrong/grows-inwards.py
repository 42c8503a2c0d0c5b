def timeouts(depth, budget):
    return [budget * (n + 1) / depth for n in range(depth)]
