from dataclasses import replace
from statistics import mean

from solution import choose as by_waits


def choose(trials, length, limit):
    trials = [replace(trial, waits=(mean(trial.waits),)) for trial in trials]
    return by_waits(trials, length, limit)
