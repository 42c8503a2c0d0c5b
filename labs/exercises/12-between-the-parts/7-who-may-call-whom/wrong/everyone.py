from solution import policies as right


def policies(calls, rules):
    found = right(calls, rules)
    return {n: p.model_copy(update={"callers": None}) for n, p in found.items()}
