from math import ceil


def how_long(answers, percent, deadline):
    good = sorted(ms for ms, answer in answers if answer == "yes")
    in_time = ceil(len(good) * (100 - percent) / 100)
    limit = good[in_time - 1]
    return limit, deadline // limit
