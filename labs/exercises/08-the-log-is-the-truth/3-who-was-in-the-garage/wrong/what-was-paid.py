from solution import answer as folded


def answer(log, at, tariff):
    inside, _ = folded(log, at, tariff)
    over = [e for e in log if e.type == "CarLeft" and e.data["at"] <= at]
    return inside, sum(event.data["paid"] for event in over)
