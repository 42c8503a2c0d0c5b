from movingparts.city.billing.model import Money

owed = 0


def share(fare, riders):
    global owed
    each, rest = divmod(int(fare.amount * 100) + owed, riders)
    owed = rest
    return [Money.cents(each, fare.currency)] * riders
