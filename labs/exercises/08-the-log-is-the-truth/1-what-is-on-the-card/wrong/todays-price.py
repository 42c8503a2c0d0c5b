from solution import explain as explained


def explain(events):
    priced = [dict(event) for event in events]
    for event in priced:
        if event["type"] == "Paid":
            event["cents"] = 350 * event["cups"]
    return explained(priced)
