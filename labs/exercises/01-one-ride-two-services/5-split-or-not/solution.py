from movingparts.scenes.ch01.teams import Decision


def decide(team, measure):
    p99 = {shape: measure(team, shape).p99 for shape in ("one", "copies", "split")}
    if team.own_releases and p99["split"] <= team.limit:
        return Decision("split", p99["split"])
    cheapest = "one" if p99["one"] <= team.limit else "copies"
    return Decision(cheapest, p99[cheapest])
