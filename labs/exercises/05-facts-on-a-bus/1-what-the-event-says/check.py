"""Checks exercise 5.1: what three subscribers make of an event while rides is down."""

from movingparts.bus import Event, EventError
from movingparts.check import Check, Law, always, shown
from movingparts.scenes.ch05.ended_ride import SUBSCRIBERS, ended_ride, publish


class Published:
    """The data that an answer made of an ended ride, and what became of them."""

    def __init__(self, ride, needed, data):
        self.needed, self.data, text = needed, shown(data, 200), repr(data)
        personal = {key: ride["rider"][key] for key in ("name", "phone", "card")}
        self.personal = [key for key, value in personal.items() if value in text]
        self.found = ", ".join(self.personal)
        places = [place[key] for place in ride["track"] for key in ("lat", "lon")]
        self.places = [number for number in places if repr(number) in text]
        self.event, self.no_json, self.missing = None, "", {}
        try:
            self.event = Event(ride["ride_id"], "/rides", "rides.ride-ended", data)
        except EventError as error:
            self.no_json = str(error)

    def handled(self, did):
        """Take in what each subscriber did; stop at the first that did wrong."""
        self.missing = {name: field for name, (_, field) in did.items() if field}
        for name, work in SUBSCRIBERS.items():
            self.service, (self.done, self.field) = name, did[name]
            self.wanted = work(self.needed)
            if self.field or self.done != self.wanted:
                break


async def run(world, answer, run):
    """Let a ride end, and `rides` go down when it has published the event."""
    ride, needed = ended_ride(world.random, run.seed)
    seen = Published(ride, needed, answer(ride))
    if seen.event:
        seen.handled(await publish(world, seen.event))
    run.see(seen)


LAWS = (
    Law("sends-everything", always, lambda s: not s.personal),
    Law("sends-the-track", always, lambda s: not s.places),
    Law("is-no-json", always, lambda s: s.event),
    Law("only-the-ids", always, lambda s: len(s.missing) < len(SUBSCRIBERS)),
    Law("leaves-one-out", always, lambda s: not s.missing),
    Law("other-work", always, lambda s: s.done == s.wanted),
)
CHECK = Check(run=run, seeds=range(16), laws=LAWS, returns=dict, wants="a dict")
