from movingparts.city.billing.model import Money


def share(fare, riders):
    each, rest = divmod(int(fare.amount * 100), riders)
    cents = [each + 1] * rest + [each] * (riders - rest)
    return [Money.cents(n, fare.currency) for n in cents]
