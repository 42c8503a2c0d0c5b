from solution import allowed, crossing


def deployables(firm):  # traffic first, the number of deployables last
    return min(allowed(firm), key=lambda each: (crossing(firm, each), len(each)))
