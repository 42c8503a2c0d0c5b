def timeouts(depth, budget):
    return [budget] * depth
