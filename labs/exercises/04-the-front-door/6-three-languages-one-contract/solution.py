import json

STATES = ("on its way", "delivered")
JSON, PROBLEM = "application/json", "application/problem+json"


def media_type(answer):
    headers = {name.lower(): value for name, value in answer.headers}
    kind, _, _ = headers.get("content-type", "").partition(";")
    return kind.strip()


def keeps(parcel, known, answer):
    expected = (200, JSON) if known else (404, PROBLEM)
    if expected != (answer.status, media_type(answer)):
        return False
    try:
        body = json.loads(answer.body)
    except ValueError:
        return False
    if not isinstance(body, dict):
        return False
    if not known:
        return body.get("status") == 404
    return (
        body.get("id") == parcel
        and body.get("state") in STATES
        and type(body.get("grams")) in (int, float)
    )
