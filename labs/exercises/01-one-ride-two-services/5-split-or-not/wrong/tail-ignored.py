from movingparts.scenes.ch01.teams import Decision


def decide(team, measure):
    found = {shape: measure(team, shape) for shape in ("one", "copies", "split")}
    if team.own_releases and found["split"].p95 <= team.limit:
        return Decision("split", found["split"].p99)
    cheapest = "one" if found["one"].p95 <= team.limit else "copies"
    return Decision(cheapest, found[cheapest].p99)
