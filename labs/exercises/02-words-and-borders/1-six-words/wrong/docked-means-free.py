from solution import available as right


def available(events):
    answers = right(events)
    return {**answers, "rides": answers["rides"] or answers["stations"]}
