from movingparts.city.billing.model import Money


def share(fare, riders):
    each = int(fare.amount * 100) // riders
    return [Money.cents(each, fare.currency)] * riders
