"""Checks exercise 4.4: requests of the app and the desk, true, forged and mistaken."""

from movingparts.check import Check, Law, always
from movingparts.scenes.ch04.library import Answer, Request, who

# A path without its query, and where it belongs; nowhere, if there is no service.
PLACES = {
    "/books": ("catalog", "/"),
    "/books/17": ("catalog", "/17"),
    "/loans/ada/books": ("loans", "/ada/books"),
    "/members/bob": ("members", "/bob"),
    "/booksale/17": None,
    "/loanshark": None,
    "/fines": None,
}
ANSWERS = (
    Answer(200, {"title": "Ulysses", "free": 1, "fee": "0.00"}),
    Answer(200, {"title": "Dune", "free": 0, "fee": "14.20"}),
    Answer(409, {"detail": "the reader owes 12.00", "fee": "12.00"}),
)
TOKENS = ("Bearer t-ada", "Bearer t-bob", "Bearer t-eve", None)


class Seen:
    """One request, what the door sent on for it, and what it answered."""

    def __init__(self, request, said, calls, value):
        self.client, self.path = request.client, request.path
        self.headers = dict(request.headers)
        self.reader = who(self.headers.get("authorization", "")[7:])
        path, mark, query = self.path.partition("?")
        place = PLACES[path]
        self.known = place is not None
        self.hidden = self.client == "app" and path.startswith("/members/")
        allowed = self.known and self.reader and not self.hidden
        self.right = [(place[0], place[1] + mark + query)] if allowed else []
        self.calls = [(service, there) for service, there, _ in calls]
        self.passed = [headers for *_, headers in calls]
        self.readers = [headers.get("x-reader") for headers in self.passed]
        self.told = {name for headers in self.passed for name in headers}
        self.should = {**self.headers, "x-reader": self.reader}
        self.should.pop("authorization", None)
        self.value, self.said, self.status = value, said, value.status

    def lost_the_query(self):
        bare = [(service, there.partition("?")[0]) for service, there in self.right]
        return self.calls == bare != self.right


async def run(world, answer, run):
    chance = world.random
    for number, path in enumerate([*PLACES, *PLACES]):
        headers = {"accept-language": chance.choice(("en", "de"))}
        if token := chance.choice(TOKENS):
            headers["authorization"] = token
        if chance.random() < 0.5:
            headers["x-reader"] = "chi"
        query = chance.choice(("", "?sort=new", "?author=woolf&free=1"))
        request = Request(chance.choice(("app", "desk")), path + query, headers)
        said, calls = chance.choice(ANSWERS), []

        async def call(service, there, given, said=said, calls=calls):
            await world.clock.sleep(0.01)
            calls.append((service, there, dict(given)))
            return Answer(said.status, dict(said.body))

        if run.step(f"request {number + 1}"):
            value = await answer.awaited(request, call)
            run.see(Seen(request, said, calls, value))


def nothing_called(seen):
    return not seen.calls


LAWS = (
    Law("lets-strangers-in", lambda s: not s.reader, nothing_called),
    Law("believes-the-client", always, lambda s: set(s.readers) <= {s.reader}),
    Law("passes-the-token", always, lambda s: "authorization" not in s.told),
    Law("looks-alike", lambda s: not s.known, nothing_called),
    Law("one-door-for-all", lambda s: s.hidden, nothing_called),
    Law("drops-the-query", always, lambda s: not s.lost_the_query()),
    Law("another-call", always, lambda s: s.calls == s.right),
    Law("drops-headers", lambda s: s.calls, lambda s: s.passed == [s.should]),
    Law("decides-itself", lambda s: s.calls, lambda s: s.value == s.said),
    Law(
        "another-status", nothing_called, lambda s: s.status == (404, 401)[not s.reader]
    ),
)
CHECK = Check(run=run, laws=LAWS, returns=Answer, wants="an Answer", seeds=range(30))
