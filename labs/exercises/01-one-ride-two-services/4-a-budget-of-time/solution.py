def timeouts(depth, budget):
    step = 0.040 + 2 * 0.010  # the work before a call, the way there and back
    return [budget - step * number for number in range(depth)]
