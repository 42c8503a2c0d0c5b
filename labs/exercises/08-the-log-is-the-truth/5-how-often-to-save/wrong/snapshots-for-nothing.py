from solution import choose as rarest


def choose(trials, length, limit):
    with_snapshots = [trial for trial in trials if trial.every]
    return rarest(with_snapshots or trials, length, limit)
