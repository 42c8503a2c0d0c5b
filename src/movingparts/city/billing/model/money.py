"""Money: an exact decimal and a currency, which no float comes near."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

CODE = re.compile("[A-Z]{3}")
CENT = Decimal("0.01")
MOST = Decimal(10**12)
"""No amount is as large: so none needs more digits than decimals count exactly."""


class MoneyError(ValueError):
    """Something is not an amount of money, or two amounts have nothing in common."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole cents of a currency; equal if both are.

    Raises `MoneyError` for a float, for fractions of a cent, for what is not a number
    or too large, and where amounts of two currencies meet.

    >>> Money(Decimal("1.00")) + Money(Decimal("0.15")) * 12
    Money('2.80', 'EUR')
    >>> Money(Decimal("1.00"), "EUR") < Money(Decimal("2.00"), "GBP")
    Traceback (most recent call last):
    movingparts.city.billing.model.money.MoneyError: EUR and GBP cannot be compared

    Source: chapter 03; Fowler 2002 (money). Leaves out: currencies without cents, and
    how to share an amount out without losing one.
    """

    amount: Decimal
    currency: str = "EUR"

    def __post_init__(self) -> None:
        given: object = self.amount
        if not isinstance(given, Decimal):
            kind = type(given).__name__
            raise MoneyError(f"money is a Decimal, not a {kind}: {given!r}")
        if self.amount.is_finite() and abs(self.amount) >= MOST:
            raise MoneyError(f"no amount is as large as {self.amount}")
        if not self.amount.is_finite() or self.amount != self.amount.quantize(CENT):
            raise MoneyError(f"money comes in whole cents, not {self.amount}")
        if not CODE.fullmatch(self.currency):
            raise MoneyError(f"{self.currency!r} is not a currency's code, as EUR is")
        whole = self.amount.quantize(CENT) + 0  # nothing is 0.00, never -0.00
        object.__setattr__(self, "amount", whole)

    def __repr__(self) -> str:
        return f"Money('{self.amount}', '{self.currency}')"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def cents(cls, cents: int, currency: str = "EUR") -> Money:
        """Return so many cents."""
        if type(cents) is not int:
            raise MoneyError(f"cents are whole numbers, not {cents!r}")
        return cls(Decimal(cents) / 100, currency)

    @classmethod
    def zero(cls, currency: str = "EUR") -> Money:
        """Return no money."""
        return cls(Decimal(0), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._alike(other, "added"), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._alike(other, "subtracted"), self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            raise MoneyError(f"money is multiplied by whole numbers, not by {times!r}")
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._alike(other, "compared")

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._alike(other, "compared")

    def _alike(self, other: object, what: str) -> Decimal:
        if not isinstance(other, Money):
            raise MoneyError(f"money and {other!r} cannot be {what}")
        if self.currency != other.currency:
            names = f"{self.currency} and {other.currency}"
            raise MoneyError(f"{names} cannot be {what}")
        return other.amount
