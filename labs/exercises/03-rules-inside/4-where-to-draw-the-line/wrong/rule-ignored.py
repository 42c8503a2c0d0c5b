from movingparts.scenes.ch03.boundary import Decision


def decide(case, measure):
    rates = {b: measure(b).conflict_rate for b in ("bike", "station", "city")}
    best = min(rates, key=rates.get)
    return Decision(best, rates[best], needs_process=rates[best] > case.limit)
