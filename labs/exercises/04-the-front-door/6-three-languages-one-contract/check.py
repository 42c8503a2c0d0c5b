"""Checks exercise 4.6: answers that spell the same differently, and broken ones."""

import json

from movingparts.check import Check, Law, always, of
from movingparts.scenes.ch04.parcels import Answer

PARCEL = {"id": "P-17", "state": "on its way", "grams": 250}
PROBLEM = {"type": "about:blank", "title": "Not Found", "status": 404}
JSON, ERROR = "application/json", "application/problem+json"
COMPACT = (",", ":")
MORE = {"eta": "Friday"}


def sent(body, *, status=200, kind=JSON, name="content-type", length=True, **more):
    """Return an answer; `more` is how its JSON is written."""
    text = body if isinstance(body, str) else json.dumps(body, **more)
    size = ("Content-Length", str(len(text.encode())))
    rest = size if length else ("Transfer-Encoding", "chunked")
    return Answer(status, ((name, kind), rest), text.encode())


def refused(body, **more):
    return sent(body, **{"status": 404, "kind": ERROR} | more)


def without(name):
    return {key: value for key, value in PARCEL.items() if key != name}


TURNED = dict(reversed(PARCEL.items()))
UTF8, PROBLEM_UTF8 = f"{JSON}; charset=utf-8", f"{ERROR}; charset=utf-8"
EXPRESS = {"name": "Content-Type", "kind": UTF8, "separators": COMPACT}
PAGE = "<!DOCTYPE html><p>Cannot GET /parcels/P-17"
# Of each kind: whether the contract is kept, and answers about P-17.
KNOWN = {
    "an answer of FastAPI": (True, [sent(PARCEL)]),
    "other bytes": (True, [sent(PARCEL, indent=1), sent(PARCEL, separators=COMPACT)]),
    "another order": (True, [sent(TURNED), sent(PARCEL, sort_keys=True)]),
    "another header case": (True, [sent(PARCEL, name="Content-Type")]),
    "a character set": (True, [sent(PARCEL, kind=UTF8)]),
    "no length": (True, [sent(PARCEL, length=False)]),
    "one more field": (True, [sent(PARCEL | MORE), sent(MORE | PARCEL)]),
    "another number": (True, [sent(PARCEL | {"grams": n}) for n in (0, 0.5, 250.0)]),
    "another state": (True, [sent(PARCEL | {"state": "delivered"})]),
    "all at once": (True, [sent(TURNED | MORE, length=False, **EXPRESS)]),
    "a missing field": (False, [sent(without(name)) for name in PARCEL]),
    "a null": (False, [sent(PARCEL | {name: None}) for name in PARCEL]),
    "another type": (False, [sent(PARCEL | {"grams": n}) for n in ("250", True)]),
    "another parcel": (False, [sent(PARCEL | {"id": "P-18"})]),
    "an unknown state": (False, [sent(PARCEL | {"state": "lost"})]),
    "another status": (False, [sent(PARCEL, status=201), refused(PROBLEM)]),
    "another media type": (False, [sent(PARCEL, kind="text/html")]),
    "no JSON": (False, [sent(PAGE), sent([PARCEL]), sent("")]),
}
UNKNOWN = {
    "a problem": (True, [refused(PROBLEM), refused(PROBLEM | {"detail": "no P-17"})]),
    "a problem of Express": (
        True,
        [refused(PROBLEM, **EXPRESS | {"kind": PROBLEM_UTF8})],
    ),
    "a page": (False, [refused(PAGE, kind="text/html"), refused(PAGE)]),
    "JSON for a problem": (False, [refused(PROBLEM, kind=JSON)]),
    "a problem in a 200": (False, [sent(PROBLEM), sent(PROBLEM, kind=ERROR)]),
    "an empty problem": (False, [refused({}), refused({"status": 500})]),
}
TABLES = ((True, KNOWN), (False, UNKNOWN))
KINDS = {
    (known, answer): (kind, kept)
    for known, table in TABLES
    for kind, (kept, answers) in table.items()
    for answer in answers
}


def cases():
    """Yield each answer, about a parcel that is known or isn't."""
    for known, answer in KINDS:
        yield "P-17", known, answer


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
    Law("compares-bytes", of("other bytes", "another order"), right),
    Law("header-case-matters", of("another header case"), right),
    Law("trips-over-parameters", of("a character set"), right),
    Law("refuses-more-fields", of("one more field"), right),
    Law("takes-a-missing-field", of("a missing field", "a null"), right),
    Law("takes-another-type", of("another type"), right),
    Law("overlooks-the-status", of("another status", "a problem in a 200"), right),
    Law("overlooks-the-media-type", of("another media type", *UNKNOWN), right),
    Law("another-verdict", always, right),
)
CHECK = Check(cases=cases, seen=Seen, laws=LAWS, returns=bool, wants="True or False")
