from dataclasses import replace

from solution import keeps as right


def keeps(parcel, known, answer):
    return right(parcel, known, replace(answer, status=200 if known else 404))
