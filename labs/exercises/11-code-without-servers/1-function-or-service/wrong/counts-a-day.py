from solution import Choice
from solution import choose as right


def choose(load, prices):
    found = right(load, prices)
    return Choice(found.cheaper, found.function / 30, found.service)
