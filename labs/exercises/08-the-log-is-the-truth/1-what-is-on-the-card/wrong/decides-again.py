from solution import explain as explained


def explain(events):
    kept = []
    for event in events:
        (balance, _), (blocked, _) = explained(kept).values()
        if event["type"] != "Paid" or (event["cents"] <= balance and not blocked):
            kept.append(event)
    return explained(kept)
