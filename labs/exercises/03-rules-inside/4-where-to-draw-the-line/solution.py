from movingparts.scenes.ch03.boundary import Decision


def decide(case, measure):
    for boundary in ("bike", "station", "city"):
        found = measure(boundary)
        if case.rule in found.rules and found.conflict_rate <= case.limit:
            return Decision(boundary, found.conflict_rate, needs_process=False)
    return Decision("bike", measure("bike").conflict_rate, needs_process=True)
