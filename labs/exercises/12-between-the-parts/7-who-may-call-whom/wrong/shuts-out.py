from dataclasses import replace

from solution import policies as right


def policies(calls, rules):
    return right(calls, replace(rules, rare=[]))
