"""Checks exercise 4.3: answers, refusals and failures of a bank's core system."""

import re

from movingparts.check import Check, Law, always
from movingparts.scenes.ch04.bank import Outcome, Reply, problem

INSIDE = re.compile(r"core-\d|bank\.internal|SELECT|ORA-|Traceback|10\.3\.")
HOST = "core-3.bank.internal:1521"
REFUSALS = {
    400: "the amount is not a number",
    404: "there is no such account",
    409: "this transfer was made already",
    422: "the limit of the account is 500.00 a day",
}
FAILURES = {
    401: f"{HOST} doesn't know the gateway's key",
    429: "core-2: 100 requests a second are the limit for 10.3.0.7",
    500: "ORA-01722: SELECT balance FROM accounts WHERE iban = 'X'",
    502: f"Traceback (most recent call last): {HOST} closed the connection",
    503: f"{HOST} is in maintenance",
}
ERRORS = (
    TimeoutError(f"waited 2.0 s for {HOST}"),
    ConnectionError(f"{HOST} refused the connection"),
    ValueError("core-3 sent half a document"),
)
SERVER = {"server": "core-3.bank.internal", "content-type": "application/json"}


def outcomes():
    """Yield all that can come of asking the core system."""
    yield Outcome(200, {"balance": "41.20"}, SERVER)
    yield Outcome(201, {"transfer": "t-17"}, SERVER)
    for status, text in {**REFUSALS, **FAILURES}.items():
        yield Outcome(status, problem(status, text), SERVER)
    for status in (429, 503):
        yield Outcome(status, FAILURES[status], {**SERVER, "retry-after": "30"})
    yield Outcome(500, f"<h1>{FAILURES[500]}</h1>", SERVER)
    for error in ERRORS:
        yield Outcome(error=error)


class Seen:
    """What came of asking, and what the gateway did."""

    def __init__(self, outcome, request_id, made):
        self.status, self.error = outcome.status, outcome.error
        self.body, self.made, self.got = outcome.body, made, made.status
        self.failed = self.status is None or self.status in FAILURES
        self.what = f"a {self.status}" if self.status else repr(self.error)
        self.wait = outcome.headers.get("retry-after")
        self.reason = str(self.error or self.body)
        found = INSIDE.search(str(made.body)) if self.failed else None
        self.leak = found.group() if found else ""
        headers = {name.lower(): value for name, value in dict(made.headers).items()}
        self.request_id, self.named = request_id, headers.get("x-request-id")
        self.again = headers.get("retry-after")
        allowed = {"x-request-id", "retry-after", "content-type"}
        self.odd = ", ".join(sorted(set(headers) - allowed))
        late = isinstance(self.error, TimeoutError)
        self.right = self.status if self.status in (429, 503) else 504 if late else 502

    @property
    def same(self):
        return (self.got, self.made.body) == (self.status, self.body)

    @property
    def logged(self):
        text, inside = str(self.made.log), INSIDE.search(self.reason)
        return self.request_id in text and inside.group() in text

    @property
    def is_problem(self):
        body = self.made.body
        return isinstance(body, dict) and body.get("status") == self.right == self.got


LAWS = (
    Law("passes-the-body", lambda s: s.failed and s.status, lambda s: not s.leak),
    Law("tells-the-exception", lambda s: s.failed, lambda s: not s.leak),
    Law("changes-an-answer", lambda s: not s.failed, lambda s: s.same),
    Law("tells-by-headers", always, lambda s: not s.odd),
    Law("drops-retry-after", lambda s: s.wait, lambda s: s.again == s.wait),
    Law("loses-the-request-id", always, lambda s: s.named == s.request_id),
    Law("another-status", lambda s: s.failed, lambda s: s.got == s.right),
    Law("no-problem-details", lambda s: s.failed, lambda s: s.is_problem),
    Law("loses-the-reason", lambda s: s.failed, lambda s: s.logged),
)
CHECK = Check(
    cases=lambda: ((each, f"r-{n}") for n, each in enumerate(outcomes(), start=1)),
    seen=Seen,
    laws=LAWS,
    returns=Reply,
    wants="a Reply",
)
