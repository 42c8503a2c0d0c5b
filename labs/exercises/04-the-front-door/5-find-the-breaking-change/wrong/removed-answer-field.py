from solution import breaking as right


def breaking(old, new):
    return {(p, f) for p, f in right(old, new) if f in new[p]["properties"]}
