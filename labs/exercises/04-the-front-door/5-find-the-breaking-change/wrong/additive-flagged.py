from solution import breaking as right


def breaking(old, new):
    was, now = ({(p, f) for p in e for f in e[p]["properties"]} for e in (old, new))
    return right(old, new) | (now - was)
