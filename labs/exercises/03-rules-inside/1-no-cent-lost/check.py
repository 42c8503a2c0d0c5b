"""Checks exercise 3.1: fares, and how their shares must add up."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from movingparts.check import Check, Law, always
from movingparts.city.billing.model import Money, MoneyError
from movingparts.core.random import stream

TRAPS = (29, 57, 58, 113, 115, 201, 435, 1001)  # int(0.29 * 100) is 28


def cases() -> Iterator[tuple[Money, int]]:
    """Yield fares and numbers of riders, the easiest first."""
    rng = stream(0, "fares")
    for cents in (1000, 2000, 100, 1, 0, *TRAPS):
        for riders in (3, 1, 2, 7):
            yield Money.cents(cents, "GBP" if riders == 7 else "EUR"), riders
    for _ in range(60):  # small, for answers that count cent by cent
        yield Money.cents(rng.randrange(3_000)), 1 + rng.randrange(12)
    yield Money.cents(100_000), 12


@dataclass
class Shared:
    """A fare, and how an answer shared it."""

    fare: Money
    riders: int
    value: list[Money] | MoneyError

    def __post_init__(self) -> None:
        self.raised = str(self.value) if isinstance(self.value, MoneyError) else ""
        self.shares = [] if self.raised else list(self.value)
        self.call = f"`share({self.fare}, {self.riders})`"
        self.currency, self.given = self.fare.currency, len(self.shares)
        self.strange = next(
            (s.currency for s in self.shares if s.currency != self.currency), ""
        )
        self.cents = [int(share.amount * 100) for share in self.shares]
        self.whole = int(self.fare.amount * 100)
        self.error = sum(self.cents) - self.whole
        self.spread = max(self.cents, default=0) - min(self.cents, default=0)

    @property
    def sum(self) -> str:
        """The shares, added up in words."""
        listed = " + ".join(str(share.amount) for share in self.shares)
        total = f" = {Decimal(sum(self.cents)) / 100:.2f}" if self.riders > 1 else ""
        return f"{self.fare} among {self.riders}: {listed}{total}"

    @property
    def off(self) -> str:
        """How far off the sum is."""
        count = abs(self.error)
        cents = "1 cent" if count == 1 else f"{count} cents"
        return f"{cents} too {'little' if self.error < 0 else 'much'}"

    def floored(self) -> bool:
        """Return whether every share is rounded down."""
        return set(self.cents) == {self.whole // self.riders}


def exact(seen: Shared) -> bool:
    return seen.error == 0


CHECK = Check(
    cases=cases,
    seen=Shared,
    may_raise=(MoneyError,),
    returns=list[Money],
    wants="a list of `Money`",
    laws=(
        Law("float", always, lambda s: "float" not in s.raised),
        Law("float", always, lambda s: "whole numbers" not in s.raised),
        Law("parts-of-a-cent", always, lambda s: "whole cents" not in s.raised),
        Law("money-error", always, lambda s: not s.raised),
        Law("another-currency", always, lambda s: not s.strange),
        Law("one-share-each", always, lambda s: s.given == s.riders),
        Law(
            "float-inside",
            lambda s: s.whole % s.riders == 0 and abs(s.error) == 1,
            exact,
        ),
        Law(
            "rounds-each",
            lambda s: len(set(s.cents)) == 1 and 0 < s.error <= s.riders / 2,
            exact,
        ),
        Law("rest-lost", Shared.floored, exact),
        Law("wrong-sum", always, exact),
        Law(
            "rest-on-one",
            lambda s: len(set(s.cents)) == 2 and 1 in Counter(s.cents).values(),
            lambda s: s.spread <= 1,
        ),
        Law("uneven", always, lambda s: s.spread <= 1),
    ),
)
