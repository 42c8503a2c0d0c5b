from dataclasses import replace

from solution import deployables as right


def deployables(firm):  # by team and by machine alone
    return right(replace(firm, survives=frozenset()))
