"""Checks exercise 4.5: one change at a time, in a request or in an answer."""

from copy import deepcopy

from movingparts.check import Check, Law, always

TEXT, COUNT = {"type": "string"}, {"type": "integer"}
STATE = {"type": "string", "enum": ["here", "lent"]}
BOOK = {
    "properties": {"title": TEXT, "copies": COUNT, "note": TEXT, "state": STATE},
    "required": ["title", "copies", "state"],
}
PARTS = REQUEST, ANSWER = ("request", "answer")
MORE, FEWER = STATE | {"enum": ["here", "lent", "lost"]}, STATE | {"enum": ["here"]}
# A change, its field, the field's new schema, if it is required, and where it breaks.
CHANGES = [
    ("a new optional field", "shelf", TEXT, False, ()),
    ("a new required field", "shelf", TEXT, True, (REQUEST,)),
    ("a required field goes", "copies", None, False, (ANSWER,)),
    ("an optional field goes", "note", None, False, ()),
    ("an optional field becomes required", "note", TEXT, True, (REQUEST,)),
    ("a required field becomes optional", "title", TEXT, False, (ANSWER,)),
    ("another type", "copies", TEXT, True, PARTS),
    ("another type", "note", COUNT, False, PARTS),
    ("one more value", "state", MORE, True, (ANSWER,)),
    ("one value less", "state", FEWER, True, (REQUEST,)),
    ("any value, no enum", "state", TEXT, True, (ANSWER,)),
    ("an enum, where any value was", "title", FEWER, True, (REQUEST,)),
]
KNOWN = {}  # what is behind each pair of contracts


def pair(part, *changes):
    """Return an old and a new contract, and note what is right."""
    old = {each: deepcopy(BOOK) for each in PARTS}
    new = deepcopy(old)
    fields, required = new[part]["properties"], new[part]["required"]
    for _, name, schema, needed, _ in changes:
        fields[name] = schema
        if schema is None:
            del fields[name]
        required[:] = [each for each in required if each != name] + [name] * needed
    kind = " and ".join(each[0] for each in changes) or "no change"
    right = {(part, name) for _, name, _, _, where in changes if part in where}
    other = any(where and part not in where for *_, where in changes)
    KNOWN[repr((old, new))] = kind, part, other, right
    return old, new


def cases():
    """Yield each change in each part, and a renaming."""
    for part in PARTS:
        yield pair(part)
        for each in CHANGES:
            yield pair(part, each)
        yield pair(part, CHANGES[2], CHANGES[1])


class Verdict:
    """What changed in which part, what breaks, and what was said.

    `other` says that it breaks in the other part only.
    """

    def __init__(self, old, new, value):
        self.kind, self.part, self.other, right = KNOWN[repr((old, new))]
        self.right, self.said = words(right), words(value)
        self.missed, self.extra = right - value, value - right


def words(pairs):
    listed = sorted(f"`{'.'.join(map(str, each))}`" for each in pairs)
    return ", ".join(listed) or "nothing"


def of(*kinds, part=None):
    return lambda v: v.kind in kinds and part in (None, v.part)


def found(verdict):
    return not verdict.missed


def no_more(verdict):
    return not verdict.extra


ADDED = of("no change", "a new optional field", "an optional field goes")
LAWS = (
    Law("additive-flagged", ADDED, no_more),
    Law("same-rule", lambda v: v.other, no_more),
    Law("flags-too-much", always, no_more),
    Law("removed-answer-field", of("a required field goes", part=ANSWER), found),
    Law("new-required-field", of("a new required field"), found),
    Law("type-changed", of("another type"), found),
    Law("more-values", of("one more value", "any value, no enum"), found),
    Law("missed", always, found),
)
WANTS = 'a set of pairs, such as {("answer", "title")}'
RETURNS = set[tuple]
CHECK = Check(cases=cases, seen=Verdict, laws=LAWS, returns=RETURNS, wants=WANTS)
