from statistics import mean

from movingparts.scenes.ch08.cards import Refused


def choose(trials, length, limit):
    for trial in sorted(trials, key=lambda trial: mean(trial.waits)):
        slow = sum(wait > limit for wait in trial.waits)
        if trial.length >= length and 100 * slow <= len(trial.waits):
            return trial.every
    raise Refused("too slow")
