import solution


def order(steps):  # the step that decides most comes as early as it can
    last = {
        step["name"]: -1 if step["undo"] is None else step["undo"] for step in steps
    }
    return solution.order([step | {"undo": last[step["name"]] + 1} for step in steps])
