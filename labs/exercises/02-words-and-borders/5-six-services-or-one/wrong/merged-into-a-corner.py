from solution import allowed, crossing


def deploy(firm):  # traffic first, the number of deployables last
    return min(allowed(firm), key=lambda each: (crossing(firm, each), len(each)))
