from movingparts.scenes.ch01.teams import Decision


def decide(team, measure):
    for shape in ("one", "copies", "split"):
        p99 = measure(team, shape).p99
        if p99 <= team.limit:
            return Decision(shape, p99)
    return None
