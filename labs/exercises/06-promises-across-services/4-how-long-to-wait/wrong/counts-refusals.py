from solution import how_long as right


def how_long(answers, percent, deadline):
    came = [(ms, "yes") for ms, answer in answers if answer != "none"]
    return right(came, percent, deadline)
