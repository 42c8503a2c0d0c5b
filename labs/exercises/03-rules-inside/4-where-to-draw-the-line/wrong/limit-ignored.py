from movingparts.scenes.ch03.boundary import Decision


def decide(case, measure):
    for boundary in ("city", "station", "bike"):
        found = measure(boundary)
        if case.rule in found.rules:
            best = Decision(boundary, found.conflict_rate, needs_process=False)
    return best
