from solution import explain as explained


def explain(events):
    changed, took = [dict(event) for event in events], {}
    for event in changed:
        if event["type"] == "Paid":
            took[event["number"]] = event["cents"]
        if event["type"] == "PaymentCorrected":
            back = took[event["payment"]] - event["cents"]
            event.update(type="Loaded", cents=back)
    return explained(changed)
