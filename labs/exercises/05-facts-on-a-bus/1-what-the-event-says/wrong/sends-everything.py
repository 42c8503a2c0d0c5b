from solution import ended as right


def ended(ride):
    return {**ride, **right(ride)}
