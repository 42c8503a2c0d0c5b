import solution


def runner(db, steps):
    def by_name(name, do):
        return name, lambda _, data: do(name, data)

    return solution.runner(db, [by_name(*step) for step in steps])
