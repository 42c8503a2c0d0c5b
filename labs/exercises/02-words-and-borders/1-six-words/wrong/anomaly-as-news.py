from solution import available as right


def available(events, now):
    answers = right(events, now)
    if any(name == "stations.anomaly-found" for name, _ in events):
        answers["fleet"] = answers["availability"] = False
    return answers
