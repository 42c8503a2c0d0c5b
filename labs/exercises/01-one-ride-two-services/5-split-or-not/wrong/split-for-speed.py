from movingparts.scenes.ch01.teams import Decision


def decide(team, measure):
    one, two = measure(team, "one").p99, measure(team, "split").p99
    return Decision("split", two) if two <= team.limit < one else Decision("one", one)
