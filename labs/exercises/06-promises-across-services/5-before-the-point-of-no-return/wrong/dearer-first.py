import solution


def order(steps):
    free = [step | {"undo": step["undo"] and 1} for step in steps]
    return solution.order(free)
