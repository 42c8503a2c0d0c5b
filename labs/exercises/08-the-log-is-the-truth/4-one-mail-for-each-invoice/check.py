"""Checks exercise 8.4: a view that is rebuilt, and mails that fail in between."""

from dataclasses import dataclass, field
from random import Random

from movingparts.check import Check, Law, always
from movingparts.eventstore import StoredEvent

# Calls: how many events come in before, whether to rebuild, which mail fails.
PLANS = [
    [(3, False, None)],
    [(3, False, None), (0, True, None)],
    [(3, False, None), (3, True, None)],
    [(4, False, 1), (0, False, None)],
    [(6, False, 3), (0, False, None)],
    [(6, False, 2), (3, True, None), (0, True, None)],
]


@dataclass
class Office:
    """The log, both dictionaries, and what was mailed."""

    random: Random
    log: list = field(default_factory=list)
    unpaid: dict = field(default_factory=dict)
    view: dict = field(default_factory=lambda: {"position": 0, "open": {}})
    sender: dict = field(default_factory=lambda: {"position": 0})
    mailed: set = field(default_factory=set)  # the ids for which `mail` has returned
    failed: set = field(default_factory=set)  # and those for which it has raised

    def add(self, count):
        for n in range(len(self.log) + 1, len(self.log) + count + 1):
            if len(self.unpaid) > 1 and self.random.random() < 0.4:
                paid = self.random.choice(sorted(self.unpaid))
                del self.unpaid[paid]
                kind, data = "InvoicePaid", {"invoice": paid}
            else:
                cents = self.random.randrange(9_000, 40_000, 500)
                data = {"invoice": f"R-{n}", "cents": cents, "email": f"c{n}@post.org"}
                kind, self.unpaid[data["invoice"]] = "InvoiceIssued", cents
            self.log.append(StoredEvent(n, "office", n, f"e{n}", kind, data))

    def spoil(self):
        """Leave an invoice in the view that is none, and take one away."""
        self.view["open"] = {**dict(list(self.view["open"].items())[1:]), "R-0": 100}


@dataclass
class Called:
    """One call: what it mailed, and what it left behind."""

    office: Office
    told: str
    new: int
    rebuild: bool
    fails: int | None
    raised: bool = False
    wrong: str = ""  # how its first wrong mail is wrong
    invoice: str = ""  # the one that was mailed wrongly, or not at all
    before: set = field(default_factory=set)

    async def mail(self, event_id, data):
        office = self.office
        self.fails = self.fails and self.fails - 1
        issued = {e.id: e.data for e in office.log if e.type == "InvoiceIssued"}
        known = issued.get(event_id)
        wrong = ""
        if data not in issued.values():
            wrong = "data"
        elif known != data:
            wrong = "id"
        elif event_id in office.mailed:
            wrong = "rebuild" if self.rebuild else "repeat"
        if wrong and not self.wrong:
            self.wrong, self.invoice = wrong, f"{(data or {}).get('invoice')}"
        if self.fails == 0:
            self.raised, self.fails = True, None
            office.failed.add(event_id)
            raise ConnectionError("no answer from the mail service")
        office.mailed.add(event_id)

    def ends(self):
        """Look at what is there now."""
        office, view = self.office, self.office.view
        self.found, self.right = dict(view.get("open", {})), dict(office.unpaid)
        self.position, self.last = view.get("position"), len(office.log)
        self.is_right = (self.found, self.position) == (self.right, self.last)
        due = [e for e in office.log if e.type == "InvoiceIssued"]
        due = [event for event in due if event.id not in office.mailed]
        self.lost = "" if self.raised or not due else "lost"
        if self.lost:
            self.invoice = due[0].data["invoice"]
            if due[0].id in office.failed:
                self.lost = "failed"
            elif self.rebuild:
                self.lost = "rebuild"


async def run(world, answer, run):
    random = Random(run.seed)
    plans = dict(enumerate(PLANS))
    some = [
        (random.randint(0, 6), random.random() < 0.4, random.choice((None, 1, 2, 3)))
        for _ in range(5)
    ]
    office, told = Office(random), []
    for new, rebuild, fails in plans.get(run.seed, some):
        office.add(new)
        if rebuild:
            office.spoil()
        what = f"{new} new events" + ", `rebuild`" * rebuild
        told.append(what + f", mail {fails} raises" * bool(fails))
        calls = f"Calls: {'; '.join(told)}."
        called = Called(office, calls, new, rebuild, fails)
        given = (list(office.log), office.view, office.sender, called.mail, rebuild)
        await answer.awaited(*given)
        called.ends()
        run.see(called)


def wrong(kind):
    return Law(MAILS[kind], always, lambda called: called.wrong != kind)


def lost(kind):
    return Law(LOSSES[kind], always, lambda called: called.lost != kind)


MAILS = {
    "data": "mails-something-else",
    "id": "another-id",
    "rebuild": "mails-on-rebuild",
    "repeat": "repeats-the-batch",
}
LOSSES = {
    "rebuild": "silent-rebuild",
    "failed": "skips-the-failed",
    "lost": "loses-a-mail",
}
LAWS = (
    *map(wrong, MAILS),
    *map(lost, LOSSES),
    Law("view-waits-for-mail", lambda c: c.raised, lambda c: c.is_right),
    Law("not-rebuilt", lambda c: c.rebuild, lambda c: c.is_right),
    Law("another-view", always, lambda c: c.is_right),
)
CHECK = Check(run=run, seeds=range(30), laws=LAWS, may_raise=(ConnectionError,))
