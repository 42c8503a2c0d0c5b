import json

from solution import STATES
from solution import keeps as right


def keeps(parcel, known, answer):
    bodies = [{"id": parcel, "state": state, "grams": 250} for state in STATES]
    same = answer.body in [json.dumps(body).encode() for body in bodies]
    return right(parcel, known, answer) and (same or not known)
