from statistics import mean


def how_long(answers, percent, deadline):
    limit = 2 * mean(ms for ms, answer in answers if answer == "yes")
    return limit, int(deadline // limit)
