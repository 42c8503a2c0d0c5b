from solution import allowed


def deploy(firm):
    return min(allowed(firm), key=len)
