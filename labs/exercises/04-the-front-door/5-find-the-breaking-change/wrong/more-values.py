from solution import breaking as right


def breaking(old, new):
    return right(old, new) - {("answer", "state")}
