from movingparts.city.billing.model import Money


def share(fare, riders):
    each, rest = divmod(int(fare.amount * 100), riders)
    cents = [each + rest] + [each] * (riders - 1)
    return [Money.cents(n, fare.currency) for n in cents]
