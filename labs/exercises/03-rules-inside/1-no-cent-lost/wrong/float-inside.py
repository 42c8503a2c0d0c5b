from movingparts.city.billing.model import Money


def share(fare, riders):
    cents = int(float(fare.amount) * 100)
    each, rest = divmod(cents, riders)
    return [Money.cents(each + (n < rest), fare.currency) for n in range(riders)]
