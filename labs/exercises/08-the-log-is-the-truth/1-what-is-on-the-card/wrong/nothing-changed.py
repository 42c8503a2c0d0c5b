from solution import explain as explained


def explain(events):
    found, last = explained(events), {}
    for event in events:
        is_block = event["type"] in ("Blocked", "Unblocked")
        last["blocked" if is_block else "balance"] = event["number"]
    return {key: (found[key][0], last.get(key, 0)) for key in found}
