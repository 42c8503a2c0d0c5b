from solution import explain as explained


def explain(events):
    kept, blocked, balance = [], False, 0
    for event in events:
        is_paid = event["type"] == "Paid"
        if is_paid and (blocked or event["cents"] > balance):
            continue
        kept.append(event)
        (balance, _), (blocked, _) = explained(kept).values()
    return explained(kept)
