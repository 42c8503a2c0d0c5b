from solution import answer as folded


def answer(log, at, tariff):
    return folded(log, max(event.data.get("at", 0) for event in log), tariff)
