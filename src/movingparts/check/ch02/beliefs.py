"""What events say of a bike, a rider and a ride, and what one may take it for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from movingparts.check.ch02.stories import Told
from movingparts.check.ch02.theories import Theory


@dataclass(slots=True)
class Facts:
    """What the events up to a time say, as one who reads all of them knows it."""

    standing: str = "good"
    in_a_dock: bool = False
    at_a_station: bool = False
    jammed: bool = False
    riding: bool = False
    was_ridden: bool = False
    state: str = "available"
    payment: str = "none"
    was_authorized: bool = False
    held_until: datetime | None = None  # while nothing has closed the promise
    was_promised: bool = False
    promise_in_time: bool = False

    @classmethod
    def of(cls, events: Told, now: datetime) -> Facts:
        """Take events in their order, and look at them at a time."""
        facts = cls()
        for name, data in events:
            facts.take(name, data)
        until = facts.held_until
        facts.promise_in_time = until is not None and now < until
        return facts

    def take(self, name: str, data: Mapping[str, Any]) -> None:
        """Take the next event."""
        context, _, what = name.partition(".")
        if context == "stations":
            self._stations(what, data)
        elif context == "rides":
            self._rides(what)
        elif context == "billing":
            self._billing(what)
        elif context == "availability":
            self._availability(what, data)
        elif what == "condition-changed":
            self.state = data["vehicle_state"]
        elif what == "standing-changed":
            self.standing = data["standing"]

    def _stations(self, what: str, data: Mapping[str, Any]) -> None:
        if what == "bike-docked":
            self.at_a_station, self.in_a_dock = True, data["dock_id"] is not None
            self.jammed = False
        elif what == "bike-left":
            self.at_a_station = self.in_a_dock = self.jammed = False
        elif what == "dock-changed":
            self.jammed = data["jammed"]

    def _rides(self, what: str) -> None:
        if what == "ride-started":
            self.riding = self.was_ridden = True
        elif what == "ride-ended":
            self.riding = False
        elif what == "ride-cancelled" and self.payment == "authorized":
            self.payment = "void"

    def _billing(self, what: str) -> None:
        states = {
            "payment-authorized": "authorized",
            "payment-declined": "declined",
            "fare-charged": "charged",
        }
        self.payment = states.get(what, self.payment)
        self.was_authorized |= self.payment == "authorized"

    def _availability(self, what: str, data: Mapping[str, Any]) -> None:
        if what == "bike-reserved":
            self.held_until = datetime.fromisoformat(data["until"])
            self.was_promised = True
        elif what == "reservation-closed":
            self.held_until = None

    @property
    def locked(self) -> bool:
        """Whether the bike is in a dock that works."""
        return self.in_a_dock and not self.jammed

    @property
    def fit(self) -> bool:
        """Whether the bike is not flagged."""
        return self.state == "available"

    @property
    def promised(self) -> bool:
        """Whether the bike is promised, and the promise has not lapsed."""
        return self.promise_in_time

    @property
    def may_ride(self) -> bool:
        """Whether the rider is in good standing."""
        return self.standing == "good"

    @property
    def promisable(self) -> bool:
        """Whether the bike can be promised now."""
        return self.locked and self.fit and not self.promised


# What somebody may take each context's word for, and why it is another.

_AVAILABILITY = (
    Theory(
        "docked-means-promisable",
        lambda f: f.locked,
        "A bike in a working dock can be unlocked; whether it can be promised depends"
        " on its condition and on other promises too.",
    ),
    Theory(
        "promised-twice",
        lambda f: f.locked and f.fit,
        "The bike is fit and locked, and promised to somebody already: here it is not"
        " to be had for as long as the promise holds.",
    ),
    Theory(
        "flagged-is-promised",
        lambda f: f.locked and not f.promised,
        "A bike that is flagged for repair is promised to nobody: availability hears of"
        " it from fleet.",
    ),
    Theory(
        "jammed-is-promised",
        lambda f: f.in_a_dock and f.fit and not f.promised,
        "What a jammed dock holds cannot be handed over, so it is promised to nobody.",
    ),
    Theory(
        "a-lapsed-promise-holds",
        lambda f: f.locked and f.fit and not f.held_until,
        "The promise was until a time, and the time is over. It lapses by itself,"
        " whether or not anybody was told.",
    ),
    Theory(
        "a-lapsed-promise-holds",
        lambda f: f.locked and f.fit and not f.was_promised,
        "The bike was promised once, and that is over: the promise has lapsed, or was"
        " kept, and the bike can be promised again.",
    ),
    Theory(
        "the-rider-counts",
        lambda f: f.promisable and f.may_ride,
        "Whether this rider may ride is another word: the bike can be promised to"
        " others.",
    ),
    Theory(
        "the-payment-counts",
        lambda f: f.promisable and f.payment != "declined",
        "That one payment was declined changes nothing about the bike.",
    ),
)
_STATIONS = (
    Theory(
        "promisable-means-docked",
        lambda f: f.promisable,
        "That is what availability means by it. stations knows docks, and not what was"
        " promised or what needs repair.",
    ),
    Theory(
        "flagged-is-not-docked",
        lambda f: f.locked and f.fit,
        "A bike that is flagged for repair is locked in its dock like any other:"
        " stations has never heard of flags.",
    ),
    Theory(
        "promised-is-not-docked",
        lambda f: f.locked and not f.promised,
        "A bike that is promised is locked in its dock until somebody comes.",
    ),
    Theory(
        "a-jammed-dock-lets-go",
        lambda f: f.in_a_dock,
        "The dock is jammed: it holds the bike, and does not let it go.",
    ),
    Theory(
        "beside-is-docked",
        lambda f: f.at_a_station and not f.jammed,
        "The bike stands at the station in no dock: `dock_id` is None, and nothing"
        " locks it.",
    ),
    Theory(
        "not-riding-means-docked",
        lambda f: not f.riding,
        "A bike that nobody rides may be on a truck, or beside a station.",
    ),
)
_RIDES = (
    Theory(
        "promisable-means-free",
        lambda f: f.promisable,
        "That is what availability means by it. rides asks one thing: whether the bike"
        " is on a ride.",
    ),
    Theory(
        "promised-means-riding",
        lambda f: not f.riding and not f.promised,
        "A promise is no ride: the bike is in its dock, and the rider has not come.",
    ),
    Theory(
        "away-means-riding",
        lambda f: f.at_a_station,
        "Whether a bike stands at a station is what stations knows. A truck takes it"
        " away and nobody rides; and a ride goes on until rides has heard that it is"
        " over.",
    ),
    Theory(
        "locked-means-free",
        lambda f: f.locked,
        "Whether a bike is locked is what stations knows; rides knows which ride it is"
        " on.",
    ),
    Theory(
        "flagged-means-riding",
        lambda f: not f.riding and f.fit,
        "A bike that needs repair is on no ride for it.",
    ),
    Theory(
        "ridden-once-ridden-ever",
        lambda f: not f.was_ridden,
        "The ride is over.",
    ),
)
_FLEET = (
    Theory(
        "promisable-means-fit",
        lambda f: f.promisable,
        "That is what availability means by it. fleet looks at the bike's condition"
        " alone.",
    ),
    Theory(
        "in-use-means-unfit",
        lambda f: f.fit and not f.riding,
        "A bike that is ridden is as fit as before.",
    ),
    Theory(
        "locked-means-fit",
        lambda f: f.locked,
        "Where the bike is says nothing about its condition.",
    ),
    Theory(
        "in-the-workshop-means-fit",
        lambda f: f.state != "non_operational",
        "fleet has three states, and only one is called available: a bike in the"
        " workshop is `removed`.",
    ),
    Theory(
        "promised-means-unfit",
        lambda f: f.fit and not f.promised,
        "A bike that is promised is as fit as before.",
    ),
)
_RIDERS = (
    Theory(
        "declined-means-suspended",
        lambda f: f.may_ride and f.payment != "declined",
        "That a payment was declined is billing's affair: the rider is in good"
        " standing, and may try another card.",
    ),
    Theory(
        "riding-means-busy",
        lambda f: f.may_ride and not f.riding,
        "Whether somebody may ride does not change while she does.",
    ),
    Theory(
        "promised-means-busy",
        lambda f: f.may_ride and not f.promised,
        "Whether somebody may ride does not change with a promise.",
    ),
    Theory(
        "everybody-may-ride",
        lambda _: True,
        "The rider was suspended: riders has told so.",
    ),
)
_BILLING = (
    Theory(
        "authorized-for-ever",
        lambda f: f.was_authorized,
        "The payment was authorized once, and that is over: what is charged or void"
        " does not let a ride begin.",
    ),
    Theory(
        "void-is-not-told",
        lambda f: f.payment in {"authorized", "void"},
        "The ride was cancelled. billing has heard that from rides, and holds nothing"
        " for it any more.",
    ),
    Theory(
        "not-declined-means-paid",
        lambda f: f.payment != "declined",
        "Nothing was held for the ride: that nobody has declined is no yes.",
    ),
    Theory(
        "what-is-over-is-charged",
        lambda f: f.payment == "authorized" and (f.riding or not f.was_ridden),
        "The ride is over, and nothing is charged: billing has not heard of it, and"
        " holds what it has authorized until it has.",
    ),
    Theory(
        "good-standing-means-paid",
        lambda f: f.may_ride,
        "That a rider may ride is what riders says; whether this ride is paid for is"
        " asked anew for each.",
    ),
)
THEORIES: Mapping[str, tuple[Theory, ...]] = MappingProxyType(
    {
        "stations": _STATIONS,
        "rides": _RIDES,
        "fleet": _FLEET,
        "availability": _AVAILABILITY,
        "riders": _RIDERS,
        "billing": _BILLING,
    }
)
