from solution import available as right


def available(events):
    odd = any(name == "stations.anomaly-found" for name, _ in events)
    answers = right(events)
    return {**answers, "fleet": answers["fleet"] and not odd}
