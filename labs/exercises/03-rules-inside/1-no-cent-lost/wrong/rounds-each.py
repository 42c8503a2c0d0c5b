from decimal import ROUND_HALF_UP, Decimal

from movingparts.city.billing.model import Money


def share(fare, riders):
    each = (fare.amount / riders).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return [Money(each, fare.currency) for _ in range(riders)]
