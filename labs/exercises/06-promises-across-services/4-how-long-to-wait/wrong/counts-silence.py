from solution import how_long as right


def how_long(answers, percent, deadline):
    good = [(ms, "yes") for ms, answer in answers if answer != "no"]
    return right(good, percent, deadline)
