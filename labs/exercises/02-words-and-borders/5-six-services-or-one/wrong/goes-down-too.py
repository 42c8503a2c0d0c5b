from dataclasses import replace

from solution import deploy as right


def deploy(firm):  # by team and by machine alone
    return right(replace(firm, survives=frozenset()))
