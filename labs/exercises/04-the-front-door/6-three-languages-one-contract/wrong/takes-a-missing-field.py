import json
from dataclasses import replace

from solution import keeps as right


def keeps(parcel, known, answer):
    try:
        body = {"id": parcel, "grams": 0, "state": "delivered"} | json.loads(
            answer.body
        )
    except (TypeError, ValueError):
        return False
    answer = replace(answer, body=json.dumps(body).encode())
    return right(parcel, known, answer)
