from solution import must_change as right


def must_change(contexts, readings, change):
    gone = change.kind == "withdrawn"
    return set() if gone else right(contexts, readings, change)
