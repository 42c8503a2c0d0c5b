"""Checks exercise 8.4: a view that is rebuilt, and mails that fail in between."""

from copy import copy
from dataclasses import dataclass, field
from random import Random

from movingparts.check import Check, Law, always
from movingparts.eventstore import StoredEvent

# Calls: how many events come in before, whether to rebuild, which mail fails.
PLANS = [
    [(3, False, None), (0, True, None)],
    [(3, False, None), (3, True, None)],
    [(6, False, 3), (0, False, None)],
    [(6, False, 2), (3, True, None), (2, True, 1), (3, False, None)],
    [(5, True, None), (6, True, 3), (6, True, 2), (0, False, None)],
]


@dataclass
class Office:
    """What there is, and what the last call has done."""

    random: Random
    log: list = field(default_factory=list)
    unpaid: dict = field(default_factory=dict)
    view: dict = field(default_factory=lambda: {"position": 0, "open": {}})
    mailed: set = field(default_factory=set)  # the events for which `mail` returned
    failed: set = field(default_factory=set)  # and those for which it raised
    calls: list = field(default_factory=list)
    mistake: str = ""
    invoice: str = ""  # the one that was mailed wrongly, or not at all

    def before(self, new, rebuild, fails):
        self.rebuild, self.fails, self.raised = rebuild, fails, False
        self.calls.append(f"{new} new events{' and `rebuild`' * rebuild}")
        self.told = f"Calls: {'; '.join(self.calls)}."
        for n in range(len(self.log) + 1, len(self.log) + new + 1):
            kind, data = self.happens(f"R-{n}")
            self.log.append(StoredEvent(n, "office", n, f"e{n}", kind, data))
        if rebuild:  # one that is none is in the view, and another is missing
            self.view["open"] = {**dict([*self.view["open"].items()][1:]), "R-0": 100}

    def happens(self, invoice):
        if len(self.unpaid) > 1 and self.random.random() < 0.4:
            paid = self.random.choice(sorted(self.unpaid))
            del self.unpaid[paid]
            return "InvoicePaid", {"invoice": paid}
        cents = self.unpaid[invoice] = self.random.randrange(9_000, 40_000, 500)
        data = {"invoice": invoice, "cents": cents, "email": f"{invoice}@post.org"}
        return "InvoiceIssued", data

    async def mail(self, event_id, data):
        if self.fails:
            self.fails -= 1
        if (event_id, data) not in [(event.id, event.data) for event in self.issued]:
            self.mistakes("another-id", data)
        elif event_id in self.mailed:
            after = self.rebuild and not self.failed
            self.mistakes("mails-on-rebuild" if after else "repeats-the-batch", data)
        if self.fails == 0:
            self.raised, self.fails = True, None
            self.failed.add(event_id)
            raise ConnectionError("no answer from the mail service")
        self.mailed.add(event_id)

    def mistakes(self, kind, data):
        if not self.mistake:
            self.mistake, self.invoice = kind, data["invoice"]

    @property
    def issued(self):
        return [event for event in self.log if event.type == "InvoiceIssued"]

    def after(self):
        """Look at the view, and for a mail that is missing."""
        self.found = dict(self.view.get("open", {}))
        self.position = self.view.get("position")
        self.last, self.right = len(self.log), dict(self.unpaid)
        self.is_behind = self.position != self.last
        self.is_right = self.found == self.right and not self.is_behind
        due = [event for event in self.issued if event.id not in self.mailed]
        if due and not self.raised:
            unpaid = [e for e in due if e.data["invoice"] in self.unpaid]
            first = (unpaid or due)[0]
            why = "silent-rebuild" if self.rebuild and unpaid else "loses-a-mail"
            if first.id in self.failed:
                why = "skips-the-failed"
            self.mistakes(why, first.data)


async def run(world, answer, run):
    office, sender = Office(Random(run.seed)), {"position": 0}
    for call in PLANS[run.seed % len(PLANS)]:
        office.before(*call)
        given = [*office.log], office.view, sender, office.mail, office.rebuild
        await answer.awaited(*given)
        office.after()
        run.see(copy(office))


MISTAKES = (
    *("another-id", "mails-on-rebuild", "repeats-the-batch"),
    *("loses-a-mail", "silent-rebuild", "skips-the-failed"),
)
LAWS = (
    *(Law(each, always, lambda o, each=each: o.mistake != each) for each in MISTAKES),
    Law("view-waits-for-mail", lambda o: o.raised, lambda o: not o.is_behind),
    Law("another-view", always, lambda o: o.is_right),
)
CHECK = Check(run=run, seeds=range(35), laws=LAWS, may_raise=(ConnectionError,))
