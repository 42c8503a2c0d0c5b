"""Exercise 3.1: no cent lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from movingparts.check.answer import Answer, Call, shown
from movingparts.check.exercise import Exercise, Judgement
from movingparts.check.search import Trial
from movingparts.check.verdict import AnswerRaised, Complaint, Rejected
from movingparts.city.billing.model import Money, MoneyError
from movingparts.world.core import Recording
from movingparts.world.core.random import stream

# Amounts that a float misses by a trifle: int(0.29 * 100) is 28.
TRAPS = (29, 57, 58, 113, 115, 201, 435, 1001)
LARGE = 99_999_999_999_999  # cents
SHOWN = 9  # shares
# What the most frequent reason is a part of, where that is seen several times as well.
SEVERAL = 3
SPECIAL = {"rest-lost": "rounds-each", "wrong-sum": "float-inside"}


def cases() -> list[tuple[Money, int]]:
    """Return fares and among how many each is shared, the easiest first."""
    rng = stream(0, "fares")
    small = [(cents, n) for cents in (1000, 2000, 100, 1, 0) for n in (3, 1, 2, 7)]
    small += [(cents, 1 + rng.randrange(9)) for cents in TRAPS for _ in range(2)]
    small += [(cents, 1) for cents in TRAPS]
    small += [(rng.randrange(100_000), 1 + rng.randrange(12)) for _ in range(60)]
    fares = [(Money.cents(cents), n) for cents, n in small]
    fares += [(Money.cents(cents, "GBP"), n) for cents, n in small[:4]]
    return [*fares, (Money.cents(LARGE), 1), (Money.cents(LARGE), 7)]


def _shares(answer: Answer, fare: Money, riders: int) -> list[Money]:
    """Return what the answer makes of a fare; raise `Rejected` for what is no list."""
    called = f"share({fare}, {riders})"
    try:
        said = answer(replace(fare), riders)  # a copy: this one is compared with
    except AnswerRaised as raised:
        if isinstance(raised.error, MoneyError):
            raise _no_money(raised, called) from None
        raise
    if type(said) not in {list, tuple} or not all(_is_money(each) for each in said):
        text = f"`{called}` returned {shown(said)}, not a list of {riders} `Money`."
        raise Rejected("garbage", text)
    if len(said) != riders:
        text = f"`{called}` returned {len(said)} shares for {riders} riders."
        raise Rejected("wrong-number", text)
    return list(said)


def _is_money(value: object) -> bool:
    """Say whether it is money through and through, however it was made."""
    if type(value) is not Money:
        return False
    return type(value.amount) is Decimal and type(value.currency) is str


def _no_money(raised: AnswerRaised, called: str) -> Rejected:
    said = f"`{called}`: {raised.error}."
    error = str(raised.error)
    if "not a float" in error or "whole numbers" in error:
        text = f"{said} A float has no exact cents: count whole cents, or use Decimal."
        return Rejected("float", text)
    if "whole cents" in error:
        text = f"{said} Nobody can pay a part of a cent: share out whole ones."
        return Rejected("parts-of-a-cent", text)
    if "cannot be" in error:
        return Rejected("another-currency", said)
    return Rejected("raises", said)


def _cents(money: Money) -> int:
    return int(money.amount * 100)


def judged(fare: Money, riders: int, shares: list[Money]) -> Complaint | None:
    """Return what is wrong with the shares of one fare."""
    strange = [each.currency for each in shares if each.currency != fare.currency]
    if strange:
        text = f"A fare in {fare.currency} was shared out in {strange[0]}."
        return Complaint("another-currency", text)
    cents = [_cents(each) for each in shares]
    off = sum(cents) - _cents(fare)
    listed = " + ".join(str(each.amount) for each in shares[:SHOWN])
    more = f" + … ({riders} shares)" if riders > SHOWN else ""
    total = Decimal(sum(cents)) / 100
    text = f"{fare} among {riders}: {listed}{more} = {total:.2f} {fare.currency}"
    if off:
        return _lost(fare, riders, cents, f"{text}, {_by(off)}.")
    if max(cents) - min(cents) > 1:
        text = f"{text}, and two shares differ by {max(cents) - min(cents)} cents."
        if len(set(cents)) == 2 and 1 in Counter(cents).values():
            text += " The rest is a few cents: give one to each of so many riders."
            return Complaint("rest-on-one", text)
        return Complaint("uneven", text)
    return None


def _by(off: int) -> str:
    noun = "cent is" if abs(off) == 1 else "cents are"
    return f"{abs(off):,} {noun} {'lost' if off < 0 else 'made of nothing'}"


def _lost(fare: Money, riders: int, cents: list[int], text: str) -> Complaint:
    whole = _cents(fare)
    if whole % riders == 0 and abs(sum(cents) - whole) == 1:
        text += " There was nothing to round: what a float holds is a trifle off."
        return Complaint("float-inside", text)
    exact = Decimal(whole) / riders
    if set(cents) == {whole // riders}:
        text += " Each share is rounded down, and nobody pays the rest."
        return Complaint("rest-lost", text)
    if set(cents) <= {round(exact), int(exact.quantize(Decimal(1), ROUND_HALF_UP))}:
        text += " Each share is rounded by itself, and no one looks at the sum."
        return Complaint("rounds-each", text)
    return Complaint("wrong-sum", text)


def judge(answer: Answer) -> Judgement:
    """Share many fares, and name what goes wrong most often."""
    tried = cases()
    found = [
        complaint
        for fare, riders in tried
        if (complaint := judged(fare, riders, _shares(answer, fare, riders)))
    ]
    if not found:
        return Judgement(
            praise=f"{len(tried)} fares among 1 to 12 riders: each sum is exact, and no"
            " two shares differed by more than a cent."
        )
    reasons = Counter(complaint.misconception for complaint in found)
    reason = reasons.most_common(1)[0][0]
    if reasons[SPECIAL.get(reason, "")] >= SEVERAL:
        reason = SPECIAL[reason]
    first = next(each for each in found if each.misconception == reason)
    return Judgement(Trial(0, Recording("simulated"), first))


SHARE = Exercise(
    id="3.1",
    title="No cent lost",
    difficulty="easy",
    lab="03-rules-inside",
    statement=(
        "Friends share the fare of a ride. Write `share(fare, riders)`: `fare` is a"
        " `Money`, `riders` says how many they are, one at least. Return a list of as"
        " many `Money` in the same currency, whose sum is exactly the fare and of which"
        " no two differ by more than a cent."
    ),
    stub=(
        "def share(fare, riders):\n"
        '    raise NotImplementedError("Exercise 3.1: share a fare, lose no cent")\n'
    ),
    hints=(
        (
            "Share 10.00 EUR among three on paper. What are the three amounts, and how"
            " did you find the one that is different?"
        ),
        (
            "Count in whole cents, as an `int`: then nothing is rounded. What does"
            " `divmod(1000, 3)` tell you?"
        ),
        (
            "`each, rest = divmod(int(fare.amount * 100), riders)`: all pay `each`, and"
            " `rest` of them pay one cent more. `Money.cents(n, fare.currency)` makes"
            " them money again."
        ),
    ),
    transfer=(
        (
            "A month of rent for a row of 40 parcel lockers is booked to the 3 shops"
            " that use them, by how many parcels each had. What does each shop pay, and"
            " which shop pays the cents that are left?"
        ),
        (
            "Round each part down to whole cents and count what is left: fewer cents"
            " than shops. Give them one by one to those whose parts were cut by most,"
            " or in any order that is written down. The sum is then the rent whatever"
            " the parts are, and nobody is off by a cent or more."
        ),
    ),
    call=Call("share", ("fare", "riders")),
    judge=judge,
)
