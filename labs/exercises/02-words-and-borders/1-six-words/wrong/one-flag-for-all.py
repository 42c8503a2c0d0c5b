from solution import available as right


def available(events):  # what a class with one attribute would do
    answers = right(events)
    return dict.fromkeys(answers, answers["availability"])
