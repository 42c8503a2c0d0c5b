from solution import available as right


def available(events, now):
    answers = right(events, now)
    places = [name for name, _ in events if name.startswith("stations.bike-")]
    answers["rides"] |= places[-1:] == ["stations.bike-docked"]
    return answers
