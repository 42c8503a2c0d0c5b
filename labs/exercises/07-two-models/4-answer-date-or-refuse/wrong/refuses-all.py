from solution import Refused
from solution import answer as right


def answer(request, view, now):
    if view.polled > view.complete:
        raise Refused("the desk is down")
    return right(request, view, now)
