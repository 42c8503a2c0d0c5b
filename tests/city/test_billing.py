"""Billing: money is exact, fares follow the tariff, a ride is charged exactly once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from movingparts.city.billing import acl, contract
from movingparts.city.billing.model import (
    STANDARD,
    Account,
    AccountId,
    AnomalyFound,
    Declined,
    FareCharged,
    Money,
    MoneyError,
    Pass,
    Payment,
    PaymentAuthorized,
    PaymentDeclined,
    RideId,
    RideOver,
    Tariff,
)
from movingparts.city.billing.model.account import HELD, LIMIT
from movingparts.city.billing.model.payment import NOT_AUTHORIZED
from movingparts.city.billing.service import Handlers
from tests.city.aggregates import (
    EIGHT,
    TICK,
    Harness,
    Scenario,
    after,
    at_once,
    laws,
    lives,
    loaded,
    often,
    state,
    unchanged_if,
)

ADA, BEN = AccountId("ada"), AccountId("ben")
R1, R2, R3 = RideId("r1"), RideId("r2"), RideId("r3")
WHOSE = {R1: ADA, R2: ADA, R3: BEN}

cents = st.integers(-(10**8), 10**8)
euros = cents.map(Money.cents)


# --- money is an exact decimal with a currency, never a float ---------------------


@given(cents, cents, st.integers(-1000, 1000))
def test_money_counts_as_whole_cents_do(one: int, other: int, times: int) -> None:
    """The oracle are Python's integers, which have no end."""
    a, b = Money.cents(one), Money.cents(other)
    assert Money.cents(one + other) == a + b
    assert Money.cents(one - other) == a - b
    assert Money.cents(one * times) == a * times
    comparisons = (a < b, a <= b, a > b, a >= b, a == b)
    assert (
        one < other, one <= other, one > other, one >= other, one == other,
    ) == comparisons  # fmt: skip


@given(euros, euros, st.integers(-1000, 1000))
def test_every_operation_on_money_gives_a_decimal_of_two_places(
    a: Money, b: Money, times: int
) -> None:
    for found in (a + b, a - b, a * times, max(a, b), sum([a, b], start=Money.zero())):
        assert Decimal is type(found.amount)
        assert -2 == found.amount.as_tuple().exponent
        assert "EUR" == found.currency


@given(euros, st.floats() | st.integers() | st.none() | st.just("1.00"))
def test_no_operation_takes_anything_but_money(a: Money, other: Any) -> None:
    for operation in (
        lambda: a + other, lambda: a - other, lambda: a < other, lambda: a <= other,
    ):  # fmt: skip
        with pytest.raises(MoneyError, match=r"^money and .* cannot be "):
            operation()
    assert a != other


@pytest.mark.slow
@given(st.floats() | st.booleans() | st.decimals() | st.just("2") | st.none())
def test_money_is_multiplied_by_whole_numbers_alone(times: Any) -> None:
    with pytest.raises(MoneyError, match=r"^money is multiplied by whole numbers"):
        Money.cents(100) * times


@given(st.floats() | st.integers() | st.booleans() | st.text(max_size=5) | st.none())
def test_money_is_made_of_a_decimal_alone(amount: Any) -> None:
    with pytest.raises(MoneyError, match=r"^money is a Decimal, not a "):
        Money(amount)


@given(st.floats() | st.booleans() | st.decimals() | st.text(max_size=3))
def test_cents_are_whole_numbers_alone(count: Any) -> None:
    with pytest.raises(MoneyError, match=r"^cents are whole numbers, not "):
        Money.cents(count)


@given(st.decimals())
@example(Decimal("1e30"))
@example(Decimal("-1e12"))
@example(Decimal("1e-400"))
@example(Decimal("sNaN"))
def test_a_decimal_is_an_amount_of_whole_cents_or_is_refused(amount: Decimal) -> None:
    """No decimal gives any other error, and none is rounded."""
    try:
        money = Money(amount)
    except MoneyError:
        good = amount.is_finite() and abs(amount) < 10**12
        assert not good or amount % Decimal("0.01") != 0
    else:
        assert amount == money.amount


def test_what_would_be_more_than_there_is_is_refused() -> None:
    """Before the decimals' own precision runs out, which would round."""
    most = Money(Decimal("999999999999.99"))
    for operation in (
        lambda: most + Money.cents(1), lambda: most * 10**30, lambda: most * -2,
        lambda: Money.cents(10**40),
    ):  # fmt: skip
        with pytest.raises(MoneyError, match=r"^no amount is as large as "):
            operation()


def test_there_is_one_way_to_have_nothing() -> None:
    """No amount is minus zero: what is equal prints itself alike."""
    for nothing in (Money.cents(0) * -1, Money(Decimal("-0.00")), Money(Decimal(0))):
        assert "Money('0.00', 'EUR')" == repr(nothing)


@pytest.mark.parametrize(
    "currency", ["", "EU", "EURO", "eur", "€", "ÄÖÜ", "A1B", "E R"]
)
def test_a_currency_has_three_capital_letters(currency: str) -> None:
    with pytest.raises(MoneyError, match=r" is not a currency's code, as EUR is$"):
        Money(Decimal(1), currency)


def test_two_currencies_have_nothing_in_common() -> None:
    euro, pound = Money.cents(100), Money.cents(100, "GBP")
    assert euro != pound
    for operation, what in (
        (lambda: euro + pound, "added"),
        (lambda: euro - pound, "subtracted"),
        (lambda: euro < pound, "compared"),
        (lambda: euro >= pound, "compared"),
    ):
        with pytest.raises(MoneyError, match=rf"^... and ... cannot be {what}$"):
            operation()


@given(cents, st.sampled_from(["EUR", "GBP", "NOK"]))
def test_money_in_a_contract_is_text_and_exact(count: int, currency: str) -> None:
    """JSON's own numbers are floats in most readers."""
    money = Money.cents(count, currency)
    text = contract.Amount.of(money).model_dump_json()
    assert str is type(json.loads(text)["amount"])
    read = contract.Amount.model_validate_json(text)
    assert money == Money(Decimal(read.amount), read.currency)


@given(cents, st.dictionaries(st.text(min_size=1, max_size=3), euros, max_size=3))
def test_money_in_a_row_is_exact(count: int, held: dict[str, Money]) -> None:
    account = Account(ADA, owed=Money.cents(count), held=held)
    account.set_limit(Money.cents(count, "EUR"))
    assert state(account) == loaded(account)
    found = loaded(account)["owed"]
    assert (Money, Decimal) == (type(found), type(found.amount))


def test_money_is_never_wrong_however_few_digits_others_count_with() -> None:
    """A context with little precision may make an operation fail, never round."""
    with localcontext(prec=4), pytest.raises(ArithmeticError):
        Money.cents(12_345) + Money.cents(5)


# --- fares follow the tariff ------------------------------------------------------

lengths = st.integers(0, 10 * 24 * 3600 * 10**6).map(lambda us: us * TICK)
edges = st.builds(
    lambda minutes, ticks: max(timedelta(0), timedelta(minutes=minutes) + ticks * TICK),
    st.sampled_from([0, 1, 29, 30, 31, 113, 114, 1439, 1440, 1441, 2880, 4320]),
    st.integers(-1, 1),
)
took = lengths | edges
tariffs = st.builds(
    Tariff,
    st.integers(0, 500).map(Money.cents),
    st.integers(0, 100).map(Money.cents),
    st.integers(0, 5000).map(Money.cents),
    st.integers(0, 90),
)


def by_hand(tariff: Tariff, took: timedelta, *, with_pass: bool) -> int:
    """Return a fare in cents, counted out as somebody at a counter would."""
    microseconds = took // TICK
    minutes = 0
    while minutes * 60_000_000 < microseconds:  # one more has begun
        minutes += 1
    days = 1
    while days * 86_400_000_000 <= microseconds:  # one is over, so one more has begun
        days += 1
    price = 0 if with_pass else int(tariff.unlock.amount * 100)
    for minute in range(minutes):
        if not with_pass or minute >= tariff.free_minutes:
            price += int(tariff.per_minute.amount * 100)
    return min(price, days * int(tariff.day_cap.amount * 100))


@given(took, st.booleans())
def test_the_standard_fare_is_what_somebody_would_count_out(
    took: timedelta, with_pass: bool
) -> None:
    expected = Money.cents(by_hand(STANDARD, took, with_pass=with_pass))
    assert expected == STANDARD.fare(took, with_pass=with_pass)


@given(tariffs, edges, st.booleans())
def test_any_fare_is_what_somebody_would_count_out(
    tariff: Tariff, took: timedelta, with_pass: bool
) -> None:
    expected = Money.cents(by_hand(tariff, took, with_pass=with_pass))
    assert expected == tariff.fare(took, with_pass=with_pass)


@given(tariffs, took, took, st.booleans())
def test_a_longer_ride_never_costs_less(
    tariff: Tariff, one: timedelta, other: timedelta, with_pass: bool
) -> None:
    shorter, longer = sorted((one, other))
    fares = [tariff.fare(t, with_pass=with_pass) for t in (shorter, longer)]
    assert fares[0] <= fares[1]


@given(tariffs, took, st.booleans())
def test_no_ride_costs_more_than_the_cap_of_the_days_that_it_has_begun(
    tariff: Tariff, took: timedelta, with_pass: bool
) -> None:
    days = took // timedelta(days=1) + 1
    fare = tariff.fare(took, with_pass=with_pass)
    assert Money.zero() <= fare <= tariff.day_cap * days


@given(tariffs, took)
def test_a_pass_never_makes_a_ride_dearer(tariff: Tariff, took: timedelta) -> None:
    assert tariff.fare(took, with_pass=True) <= tariff.fare(took)


@given(took)
def test_every_minute_begun_is_paid(took: timedelta) -> None:
    """To the microsecond: a ride of a minute costs one, a tick more costs two."""
    tariff = replace(STANDARD, unlock=Money.zero(), day_cap=Money.cents(10**9))
    begun = took // timedelta(minutes=1) + bool(took % timedelta(minutes=1))
    assert STANDARD.per_minute * begun == tariff.fare(took)


@given(lengths)
def test_a_ride_that_ends_before_it_begins_costs_as_one_of_no_time(
    took: timedelta,
) -> None:
    assert STANDARD.fare(timedelta(0)) == STANDARD.fare(-took)


@given(st.integers(-5, 5).map(lambda n: n * TICK))
def test_a_pass_covers_rides_that_begin_while_it_is_valid(late: timedelta) -> None:
    until = EIGHT + timedelta(days=1)
    sold = Pass("p1", ADA, "day", EIGHT, until)
    assert (late >= timedelta(0)) is sold.covers(EIGHT + late)
    assert (late < timedelta(0)) is sold.covers(until + late)


# --- a ride is charged exactly once -----------------------------------------------


class Payments(Harness):
    """The service of billing, which learns of rides in any order."""

    def __init__(self) -> None:
        super().__init__()
        clock = SimpleNamespace(now=lambda: EIGHT + timedelta(days=3))
        node: Any = SimpleNamespace(clock=clock)  # as much as the handlers need
        self.handlers = Handlers(node, self.store, self.publish, STANDARD)  # type: ignore[arg-type]  # as much of a publisher

    def handle(self, *published: RideOver | acl.Cancelled | Pass) -> None:
        for each in published:
            at_once(self.handlers.handle(each))

    def authorize(self, ride: RideId = R1, account: AccountId = ADA) -> Payment:
        return at_once(self.handlers.authorize(ride, account))

    def limit(self, account: AccountId, limit: Money) -> None:
        at_once(self.handlers.limit(account, limit))

    def payment(self, ride: RideId = R1) -> Payment:
        return self.get(Payment, ride)

    def account(self, key: AccountId = ADA) -> Account:
        return self.get(Account, key)


def over(
    ride: RideId = R1,
    minutes: float = 12,
    *,
    begun: datetime = EIGHT,
    free: bool = False,
) -> RideOver:
    return RideOver(ride, WHOSE[ride], begun, begun + timedelta(minutes=minutes), free)


rides = st.sampled_from([R1, R1, R2, R3])
accounts = st.sampled_from([ADA, ADA, BEN])
ends = st.builds(
    lambda ride, seconds, begun, free: over(ride, seconds / 60, begun=begun, free=free),
    rides,
    st.integers(0, 200_000),
    st.integers(0, 90_000).map(after),
    st.booleans(),
)
cancels = st.builds(acl.Cancelled, rides)
passes = st.builds(
    lambda who, number: Pass(
        f"{who}-{number}", who, "day", after(number), after(86_400)
    ),
    accounts,
    st.integers(1, 3),
)
asks = st.tuples(st.just("authorize"), rides, accounts)
limits = st.tuples(st.just("limit"), accounts, st.integers(0, 6000).map(Money.cents))
Step = Any
steps = lives(
    often((3, ends), (1, cancels), (2, passes), (5, asks), (1, limits)), parts=2
)


def perform(city: Payments, step: Step) -> None:
    match step:
        case ("authorize", ride, account):
            city.authorize(ride, account)
        case ("limit", account, limit):
            city.limit(account, limit)
        case _:
            city.handle(step)


SCENARIO = Scenario(
    start=Payments,
    step=perform,
    aggregates=(Payment, Account),
    steps=steps,
    repeated=st.one_of(ends, cancels, passes, asks),
)
do, run = SCENARIO.do, SCENARIO.run


@pytest.mark.slow
@laws
@given(steps)
@example([("authorize", R1, ADA), over(), ("authorize", R1, ADA), over()])
@example([acl.Cancelled(R1), ("authorize", R1, ADA), over(), over()])
def test_a_ride_is_charged_exactly_once(steps: list[Step]) -> None:
    """Delivered many times, in any order, after a cancellation, and requested again."""
    charged = sorted(event.ride_id for event in run(steps).of(FareCharged))
    assert sorted({s.ride_id for s in steps if isinstance(s, RideOver)}) == charged


@pytest.mark.slow
@laws
@given(steps)
def test_what_is_owed_is_what_was_charged(steps: list[Step]) -> None:
    city = run(steps)
    for account in city.all(Account):
        fares = [e.fare for e in city.of(FareCharged) if e.account_id == account.key]
        assert sum(fares, start=Money.zero()) == account.owed
        held = HELD * len(account.held)
        assert account.limit - account.owed - held == account.left()


@pytest.mark.slow
@laws
@given(steps)
@example([("authorize", R1, ADA), ("authorize", R1, BEN)])
@example([("authorize", R1, BEN), over()])
@example([acl.Cancelled(R1), ("authorize", R1, ADA)])
def test_money_is_held_for_rides_alone_that_may_be_under_way(
    steps: list[Step],
) -> None:
    """Once for each, at the account it was authorized for, until it is over."""
    city = run(steps)
    expected = sorted(
        (payment.account_id, payment.ride_id)
        for payment in city.all(Payment)
        if payment.state == "authorized"
    )
    held = [(a.account_id, ride) for a in city.all(Account) for ride in a.held]
    assert expected == sorted(held)


@pytest.mark.slow
@laws
@given(steps)
def test_no_account_is_held_more_than_it_may_owe(steps: list[Step]) -> None:
    """When something is held; a ride may cost more than that, and limits may fall."""
    city = Payments()
    for step in steps:
        published = len(city.recorded)
        do(city, step)
        for each in city.recorded[published:]:
            if isinstance(each.event, PaymentAuthorized):
                assert Money.zero() <= city.account(each.event.account_id).left()


@pytest.mark.slow
@laws
@given(steps, ends)
def test_a_fare_follows_the_tariff_and_the_passes_that_are_known(
    steps: list[Step], end: RideOver
) -> None:
    city = run([s for s in steps if getattr(s, "ride_id", "") != end.ride_id])
    city.handle(end)
    sold = [s for s in steps if isinstance(s, Pass) and s.rider_id == end.account_id]
    covered = any(each.valid_from <= end.started_at < each.valid_until for each in sold)
    took = end.ended_at - end.started_at
    fare = 0 if end.free else by_hand(STANDARD, took, with_pass=covered)
    [charged] = [e for e in city.of(FareCharged) if e.ride_id == end.ride_id]
    assert (Money.cents(fare), covered) == (charged.fare, charged.with_pass)


@pytest.mark.slow
@laws
@given(steps)
def test_a_ride_without_an_authorized_payment_is_charged_and_reported(
    steps: list[Step],
) -> None:
    """That it was ridden has happened: it is owed, and somebody has to look."""
    city = run(steps)
    for payment in city.all(Payment):
        events = city.events(Payment, payment.key)
        kinds = [type(e) for e in events if not isinstance(e, PaymentDeclined)]
        if FareCharged in kinds:
            before = kinds[: kinds.index(FareCharged)]
            paid = before == [PaymentAuthorized]
            assert paid is (AnomalyFound not in before)
            assert [] == kinds[kinds.index(FareCharged) + 1 :]


# --- one by one -------------------------------------------------------------------


def test_a_ride_is_authorized_while_the_account_has_something_left() -> None:
    city = Payments()
    city.limit(ADA, HELD)
    assert "authorized" == city.authorize(R1).state
    assert "<Payment of r1: authorized>" == repr(city.authorize(R1))
    assert "declined" == city.authorize(R2).state
    [declined] = city.of(PaymentDeclined)
    assert "account ada has 0.00 EUR left" == declined.reason
    assert "<Account ada: 0.00 EUR owed, 0.00 EUR left>" == repr(city.account())


def test_a_declined_payment_may_be_authorized_once_there_is_more() -> None:
    city = Payments()
    city.limit(ADA, Money.cents(1))
    city.authorize()
    city.authorize()
    assert 1 == len(city.of(PaymentDeclined))
    city.limit(ADA, LIMIT)
    assert "authorized" == city.authorize().state


def test_an_account_that_declines_is_as_it_was() -> None:
    account = Account(ADA, limit=Money.cents(1))
    assert unchanged_if(Declined, account, lambda: account.hold(R1))


def test_a_payment_is_one_riders() -> None:
    """Nobody else's money is held for it, and it stays hers."""
    city = Payments()
    city.authorize(R1, ADA)
    assert ADA == city.authorize(R1, BEN).account_id
    assert ([], [R1]) == ([*city.all(Account)][1:], [*city.account().held])


def test_a_cancelled_ride_holds_nothing_also_if_it_is_asked_for_later() -> None:
    """The request was slow: rides gave it up, and said so, before it was read."""
    city = Payments()
    city.handle(acl.Cancelled(R1))
    assert "voided" == city.authorize().state
    assert [] == city.of(PaymentAuthorized)


def test_a_ride_that_costs_more_than_was_held_is_owed_all_the_same() -> None:
    city = Payments()
    city.limit(ADA, HELD)
    city.authorize()
    city.handle(over(minutes=60 * 24 * 9))
    assert Money.cents(180_00) == city.account().owed
    assert city.account().left() < Money.zero()


def test_a_false_start_costs_nothing_and_is_charged_as_nothing() -> None:
    city = Payments()
    city.authorize()
    city.handle(over(minutes=0.1, free=True))
    assert [Money.zero()] == [each.fare for each in city.of(FareCharged)]
    assert [] == city.of(AnomalyFound)


def test_nobody_has_authorized_a_ride_and_it_was_ridden() -> None:
    city = Payments()
    city.handle(over())
    assert [NOT_AUTHORIZED] == [each.reason for each in city.of(AnomalyFound)]
    assert Money.cents(2_80) == city.payment().fare
