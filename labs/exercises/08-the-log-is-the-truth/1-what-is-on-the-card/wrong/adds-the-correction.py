from solution import explain as explained


def explain(events):
    changed = [dict(event) for event in events]
    for event in changed:
        if event["type"] == "PaymentCorrected":
            event["type"] = "Paid"
    return explained(changed)
