"""Checks exercise 4.6: answers that spell the same differently, and broken ones."""

import json
from itertools import combinations

from movingparts.check import Check, Law, always, of
from movingparts.scenes.ch04.parcels import Answer

PARCEL = {"id": "P-17", "state": "on its way", "grams": 250}
PROBLEM = {"type": "about:blank", "title": "Not Found", "status": 404}
JSON, ERROR = "application/json", "application/problem+json"
MORE = {"eta": "Friday"}


def sent(body, *, status=200, kind=JSON, name="content-type", length=True, **more):
    """Return an answer; `more` is how its JSON is written."""
    text = body if isinstance(body, str) else json.dumps(body, **more)
    size = ("Content-Length", str(len(text.encode())))
    rest = size if length else ("Transfer-Encoding", "chunked")
    return Answer(status, ((name, kind), rest), text.encode())


def refused(body, **more):
    return sent(body, **{"status": 404, "kind": ERROR} | more)


GOOD = {"grams": 0}, {"grams": 0.5}, {"grams": 250.0}, {"state": "delivered"}
BAD = {"grams": "250"}, {"grams": True}, {"id": "P-18"}, {"state": "lost"}
NULL = [{name: None} for name in PARCEL]
MISSING = map(dict, combinations(PARCEL.items(), 2))
PAGE = "<!DOCTYPE html><p>Cannot GET /parcels/P-17"
# Of each kind: whether the contract is kept, and answers about P-17.
KNOWN = {
    "an answer of FastAPI": (True, [sent(PARCEL), sent(PARCEL, length=False)]),
    "other bytes": (True, [sent(PARCEL, indent=1), sent(PARCEL, sort_keys=True)]),
    "another header case": (True, [sent(PARCEL, name="Content-Type")]),
    "a character set": (True, [sent(PARCEL, kind=f"{JSON}; charset=utf-8")]),
    "one more field": (True, [sent(PARCEL | MORE), sent(MORE | PARCEL)]),
    "another value": (True, [sent(PARCEL | each) for each in GOOD]),
    "a missing field": (False, [sent(each) for each in MISSING]),
    "a bad field": (False, [sent(PARCEL | each) for each in (*BAD, *NULL)]),
    "another status": (False, [sent(PARCEL, status=201), refused(PROBLEM)]),
    "another media type": (False, [sent(PARCEL, kind="text/html")]),
    "no JSON": (False, [sent(PAGE), sent([PARCEL]), sent("")]),
}
UNKNOWN = {
    "a problem": (True, [refused(PROBLEM), refused(PROBLEM | {"detail": "no P-17"})]),
    "a page": (False, [refused(PAGE, kind="text/html"), refused(PAGE)]),
    "JSON for a problem": (False, [refused(PROBLEM, kind=JSON)]),
    "a problem in a 200": (False, [sent(PROBLEM), sent(PROBLEM, kind=ERROR)]),
    "an empty problem": (False, [refused({}), refused({"status": 500})]),
}
KINDS = {
    (known, answer): (kind, kept)
    for known, table in ((True, KNOWN), (False, UNKNOWN))
    for kind, (kept, answers) in table.items()
    for answer in answers
}


class Seen:
    """An answer, what kind it is, and what was said of it."""

    def __init__(self, parcel, known, answer, value):
        self.kind, self.right = KINDS[known, answer]
        self.value, self.status = value, answer.status
        self.body = answer.body.decode()
        self.headers = ", ".join(f"{name}: {value}" for name, value in answer.headers)
        self.said = "accepts" if value else "refuses"


def right(seen):
    return seen.value == seen.right


LAWS = (
    Law("compares-bytes", of("other bytes"), right),
    Law("header-case-matters", of("another header case", "a character set"), right),
    Law("refuses-more-fields", of("one more field"), right),
    Law("takes-a-missing-field", of("a missing field", "a bad field"), right),
    Law("overlooks-the-status", of("another status", "a problem in a 200"), right),
    Law("overlooks-the-media-type", of("another media type", *UNKNOWN), right),
    Law("another-verdict", always, right),
)
CHECK = Check(
    cases=lambda: (("P-17", *each) for each in KINDS),
    seen=Seen,
    laws=LAWS,
    returns=bool,
    wants="True or False",
)
