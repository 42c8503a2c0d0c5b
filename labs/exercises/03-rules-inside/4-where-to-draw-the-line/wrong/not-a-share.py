from movingparts.scenes.ch03.boundary import Decision


def decide(case, measure):
    for boundary in ("bike", "station", "city"):
        found, percent = measure(boundary), 100 * measure(boundary).conflict_rate
        if case.rule in found.rules and percent <= 100 * case.limit:
            return Decision(boundary, percent, needs_process=False)
    return Decision("bike", 100 * measure("bike").conflict_rate, needs_process=True)
