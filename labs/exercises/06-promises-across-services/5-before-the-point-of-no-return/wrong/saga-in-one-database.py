import solution


def order(steps):
    return solution.order([step | {"database": step["name"]} for step in steps])
