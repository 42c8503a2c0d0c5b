import json

from solution import keeps as right


def keeps(parcel, known, answer):
    if not right(parcel, known, answer):
        return False
    return not known or set(json.loads(answer.body)) == {"id", "state", "grams"}
