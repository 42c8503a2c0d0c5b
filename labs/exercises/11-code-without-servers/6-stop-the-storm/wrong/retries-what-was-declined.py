from solution import next_try as right


def next_try(error, failures, age, chance):
    return right("busy", failures, age, chance)
