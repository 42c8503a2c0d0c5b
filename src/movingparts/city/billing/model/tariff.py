"""The tariff: what a ride costs, by how long it took and by the pass of the rider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from movingparts.city.billing.model.money import Money

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tariff:
    """A fee to unlock, a price for each minute begun after the free ones, a cap a day.

    With a pass, unlocking and the first `free_minutes` cost nothing. No ride costs more
    than the cap for each day that it has begun.

    >>> STANDARD.fare(timedelta(minutes=12)), STANDARD.fare(timedelta(hours=25))
    (Money('2.80', 'EUR'), Money('36.00', 'EUR'))
    >>> STANDARD.fare(timedelta(minutes=12), with_pass=True)
    Money('0.00', 'EUR')
    """

    unlock: Money
    per_minute: Money
    day_cap: Money
    free_minutes: int = 30

    def fare(self, took: timedelta, *, with_pass: bool = False) -> Money:
        """Return what a ride of that length costs; a negative one costs as one of 0."""
        minutes = max(0, -(-took // MINUTE))
        days_begun = max(0, took // DAY) + 1
        price = self.per_minute * minutes
        if with_pass:
            price = self.per_minute * max(0, minutes - self.free_minutes)
        else:
            price += self.unlock
        return min(price, self.day_cap * days_begun)


STANDARD = Tariff(
    unlock=Money(Decimal("1.00")),
    per_minute=Money(Decimal("0.15")),
    day_cap=Money(Decimal("18.00")),
)
