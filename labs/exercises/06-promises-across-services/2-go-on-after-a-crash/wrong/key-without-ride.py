import solution


def runner(db, steps):
    def shared(name, do):
        return lambda key, data: do(name, data)

    return solution.runner(db, [(name, shared(name, do)) for name, do in steps])
