def how_long(answers, percent, deadline):
    limit = max(ms for ms, answer in answers if answer == "yes")
    return limit, deadline // limit
