from dataclasses import replace

from solution import answer as right


def answer(request, view, now):
    return right(request, replace(view, complete=view.newest), now)
