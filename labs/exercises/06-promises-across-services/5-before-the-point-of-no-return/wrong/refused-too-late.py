import solution


def order(steps):  # what can't be undone costs nothing, since nobody undoes it
    return solution.order([step | {"undo": step["undo"] or 0} for step in steps])
