from movingparts.scenes.ch01.teams import Decision


def decide(team, measure):
    split, busy = measure(team, "split").p99, team.rides_per_second * team.pricing
    if team.own_releases and split <= team.limit:
        return Decision("split", split)
    shape = "copies" if busy > 500 else "one"  # ms in a second
    return Decision(shape, measure(team, shape).p99)
