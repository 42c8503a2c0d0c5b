"""Riders: accounts, passes one after the other, and names that stay here."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movingparts.city.riders import contract
from movingparts.city.riders.model import (
    LASTS,
    PassId,
    Refused,
    Rider,
    RiderId,
)
from movingparts.city.riders.service import Handlers, Person, StandingWanted
from tests.city.aggregates import (
    EIGHT,
    TICK,
    Harness,
    Scenario,
    at_once,
    laws,
    lives,
    loaded,
    often,
    state,
    unchanged_if,
)

ADA, BEN = RiderId("ada"), RiderId("ben")
PERSON = Person(name="Ada Lark", email="ada@larkhaven.example")


class People(Harness):
    """The service of riders, whose clock is set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.now = EIGHT
        clock = SimpleNamespace(now=lambda: self.now)
        node: Any = SimpleNamespace(clock=clock)  # as much as the handlers need
        self.handlers = Handlers(node, self.store, self.publish)  # type: ignore[arg-type]  # as much of a publisher

    def rider(self, key: RiderId = ADA) -> Rider:
        return self.get(Rider, key)


who = st.sampled_from([ADA, ADA, BEN])
emails = st.sampled_from(["ada@larkhaven.example", "ada", "@", "a@b@c", "ada@", ""])
signs = st.tuples(st.just("sign up"), who, emails)
buys = st.tuples(
    st.just("buy"), who, st.sampled_from(["p1", "p2", "p3"]), st.sampled_from([*LASTS])
)
stands = st.tuples(st.just("stand"), who, st.sampled_from(["good", "suspended"]))
pauses = st.sampled_from([TICK, timedelta(hours=12), timedelta(days=1)])
steps = lives(often((1, signs), (4, buys), (2, stands), (2, pauses)), parts=2)
Step = Any


def perform(city: People, step: Step) -> None:
    city.now += TICK
    match step:
        case timedelta():
            city.now += step
        case ("sign up", rider, email):
            person = Person(name="Somebody", email=email)
            at_once(city.handlers.sign_up(rider, person))
        case ("buy", rider, pass_id, kind):
            at_once(city.handlers.sell(rider, PassId(pass_id), kind))
        case ("stand", rider, standing):
            wanted = StandingWanted(standing=standing, reason="a test")
            at_once(city.handlers.stand(rider, wanted))


def start() -> People:
    city = People()
    at_once(city.handlers.sign_up(ADA, PERSON))
    return city


SCENARIO = Scenario(
    start=start,
    step=perform,
    aggregates=(Rider,),
    steps=steps,
    repeated=st.one_of(signs, buys, stands),
    refused=(Refused, LookupError),
)
run = SCENARIO.run


@pytest.mark.slow
@laws
@given(steps)
def test_no_two_passes_of_a_rider_are_valid_at_a_time(steps: list[Step]) -> None:
    for rider in run(steps).all(Rider):
        spans = sorted((p.valid_from, p.valid_until) for p in rider.passes)
        for (begun, until), (then, _) in pairwise(spans):
            assert begun < until <= then


@pytest.mark.slow
@laws
@given(steps)
def test_a_riders_standing_is_published_but_never_who_she_is(
    steps: list[Step],
) -> None:
    city = run(steps)
    known: dict[str, str] = {}
    for each in city.recorded:
        output = contract.to_message(each.event)
        assert output is not None
        assert not {"name", "email"} & set(type(output).model_fields)
        assert "@" not in output.model_dump_json()
        if isinstance(output, contract.StandingChanged):
            known[output.rider_id] = output.standing
    assert {rider.rider_id: rider.standing for rider in city.all(Rider)} == known


@pytest.mark.slow
@laws
@given(st.text(), st.sampled_from([*LASTS]))
def test_what_is_saved_is_what_is_loaded(name: str, kind: Any) -> None:
    rider = Rider.sign_up(ADA, name, PERSON.email, EIGHT + TICK)
    rider.buy(PassId("p1"), kind, EIGHT + TICK)
    rider.suspend("a test", EIGHT + TICK)
    assert state(rider) == loaded(rider)


@pytest.mark.parametrize("email", ["ada", "@", "a@b@c", "ada@", "@b", ""])
def test_nobody_signs_up_without_an_address(email: str) -> None:
    with pytest.raises(Refused, match=r"is no address: it has the form name@place$"):
        Rider.sign_up(ADA, "Ada", email, EIGHT)


@pytest.mark.parametrize(("kind", "lasts"), [*LASTS.items()])
def test_a_pass_can_be_bought_again_when_the_last_one_is_over(
    kind: Any, lasts: timedelta
) -> None:
    """To the microsecond, so that nobody is without one in between."""
    rider = Rider.sign_up(ADA, "Ada", PERSON.email, EIGHT)
    first = rider.buy(PassId("p1"), kind, EIGHT)
    assert EIGHT + lasts == first.valid_until
    early = first.valid_until - TICK
    assert unchanged_if(Refused, rider, lambda: rider.buy(PassId("p2"), kind, early))
    second = rider.buy(PassId("p2"), kind, first.valid_until)
    assert first.valid_until == second.valid_from
    assert "<Rider ada: good standing, 2 passes>" == repr(rider)


def test_who_is_suspended_buys_no_pass() -> None:
    rider = Rider.sign_up(ADA, "Ada", PERSON.email, EIGHT)
    rider.suspend("a test", EIGHT)
    assert unchanged_if(Refused, rider, lambda: rider.buy(PassId("p1"), "day", EIGHT))
    rider.reinstate(EIGHT)
    assert "day" == rider.buy(PassId("p1"), "day", EIGHT).kind
    assert "<Rider ada: good standing, 1 pass>" == repr(rider)
