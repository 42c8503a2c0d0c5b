from movingparts.scenes.ch08.cards import Refused


def choose(trials, length, limit):
    def keeps(trial):
        slow = sum(wait > limit for wait in trial.waits)
        return trial.length >= length and 100 * slow <= len(trial.waits)

    good = [trial.every for trial in trials if keeps(trial)]
    if not good:
        raise Refused(f"no interval keeps {limit} ms")
    return None if None in good else max(good)
