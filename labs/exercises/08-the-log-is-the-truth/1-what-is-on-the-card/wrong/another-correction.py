from solution import explain as explained


def explain(events):
    changed = [dict(event) for event in events]
    for event in changed:
        if event["type"] == "PaymentCorrected":
            first = events[event["payment"] - 1]["cents"]
            event.update(type="Loaded", cents=first - event["cents"])
    return explained(changed)
